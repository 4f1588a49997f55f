"""nbgrader on a class server: one course, and a folder through which sheets are given out and handed in."""

import os

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "neural-networks"
c.Exchange.root = os.environ.get("LAB_EXCHANGE", "/srv/nbgrader/exchange")
