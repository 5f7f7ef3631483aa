"""Compile SeisBench models; the only package that imports PyTorch and SeisBench."""
