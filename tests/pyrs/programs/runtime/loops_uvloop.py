"""The same on uvloop."""

import uvloop
from loops import main

uvloop.run(main())
