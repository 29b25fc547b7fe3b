"""Models of forgepg live on PostgreSQL only, all others on both."""


class Router:
    def db_for_read(self, model, **hints):
        return "pg" if model._meta.app_label == "forgepg" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return db == "pg" if app_label == "forgepg" else None
