"""The whole series as one page of HTML: ``page.build`` makes it of a series folder."""
