"""What is done with a store that exists: import, associate, locate, size, explain."""
