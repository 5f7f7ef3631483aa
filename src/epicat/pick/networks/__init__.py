"""Build the networks of published weights from OpenVINO's own operations, without PyTorch.

The architectures are those of the papers cited in each module.  Names and shapes are those of the
tensors in the weights' files; what varies between weights is read from their metadata.
"""
