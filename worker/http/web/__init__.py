"""The page in the browser: `router(desk)` serves its files and what only the page asks for."""

from worker.http.web.routes import router

__all__ = ["router"]
