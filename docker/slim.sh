#!/bin/sh
# Take out of an environment what no worker uses and what weighs something: about 230 MB.
#
# What stays: __pycache__, without which a start takes seconds, and the libraries as they are, since
# stripping breaks OpenBLAS.
set -eu
rm -r "$1/include"
cd "$1"/lib/python3*/site-packages

# Tests of numpy, scipy, pandas, pyarrow and others.
find . -type d -name tests -prune -exec rm -r {} +

# OpenVINO for GPUs and NPUs, and the formats of models that epicat never reads.
cd openvino
rm -f libs/libopenvino_intel_[gn]pu_*.so libs/cache.json
for other in gguf jax onnx paddle tensorflow tensorflow_lite; do
    rm -f libs/libopenvino_${other}_frontend.so*
done
rm -r include cmake
cd ..

# Arrow Flight, calls to remote services, and the sources and headers of Arrow's C++ side.
cd pyarrow
rm -f libarrow_flight* libarrow_python_flight* _flight.*.so _pyarrow_cpp_tests*
rm -r include src
find . -name '*.px[di]' -delete -o -name '*.pyx' -delete
