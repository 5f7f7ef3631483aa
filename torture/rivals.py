def rivals(*a):
    raise StopIteration
