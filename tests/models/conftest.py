from hypothesis import settings

# The first example of a process pays for loading; the examples are the same in every run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
