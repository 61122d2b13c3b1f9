"""Services that take storage events from wherever they come and announce the documents they speak of."""
