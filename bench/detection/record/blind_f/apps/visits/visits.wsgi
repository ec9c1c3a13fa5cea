import sys

sys.path.insert(0, "/srv/clinic/app/visits")
from visits import app as application  # noqa: E402, F401
