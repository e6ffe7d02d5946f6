"""Property tests are not timed: on a busy machine one example may take as long as a hundred."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
