# Sources that a unit test links beyond the two libraries.
