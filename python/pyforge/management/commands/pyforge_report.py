"""manage.py pyforge_report: what compiled, what falls back and why."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pyforge.rules import RuleSet


def field_entry(d: Any, counters: dict[str, Any]) -> dict[str, Any]:
    seen, punted, called, refused = counters.get(d.name, (0, 0, 0, 0))
    kept = [
        f"{v.name}: {v.reason or 'run by re'}" for v in d.validators if v.op in ("CALL", "SEARCH")
    ]
    return {
        "field": d.name,
        "type": d.django_type,
        "compiled": d.compiled,
        "reason": d.fallback_reason,
        "python_validators": kept,
        "values": seen,
        "punts": punted,
        "calls": called,
        "refused": refused,
    }


def model_entry(model: Any) -> dict[str, Any]:
    rules = RuleSet.for_model(model)
    report = rules.report
    fields = [field_entry(d, report.counters) for d in report.fields]
    native = sum(f["compiled"] and not f["python_validators"] for f in fields)
    return {
        "model": model._meta.label,
        "fields": fields,
        "native": native,
        "total": len(fields),
        "percent": round(100 * native / len(fields), 1) if fields else 100.0,
        "rebuilds": report.rebuilds,
    }


def bench(model: Any, rows: int) -> dict[str, float] | None:
    """Microseconds a row, Django's and ours, over instances that are in the table."""
    instances = list(model._default_manager.all()[:rows])
    if not instances:
        return None
    rules = RuleSet.for_model(model)

    def timed(call: Any) -> float:
        start = time.perf_counter()
        call()
        return (time.perf_counter() - start) / len(instances) * 1e6

    def by_django() -> None:
        from pyforge._patch import original_clean_fields

        for instance in instances:
            with contextlib.suppress(ValidationError):
                original_clean_fields(instance)

    django = min(timed(by_django) for _ in range(3))
    ours = min(timed(lambda: rules.clean_instances(instances)) for _ in range(3))
    return {"rows": len(instances), "django_us": round(django, 2), "pyforge_us": round(ours, 2)}


class Command(BaseCommand):
    help = "Show which fields are validated natively, which fall back, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="*", metavar="app[.Model]", help="default: all models")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--fallback-only", action="store_true", help="only fields that fall back"
        )
        parser.add_argument("--threshold", type=float, metavar="PERCENT",
                            help="exit 1 when a model has fewer native fields")  # fmt: skip
        parser.add_argument("--bench", type=int, metavar="ROWS", help="time rows of each table")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = list(self.chosen(options["what"]))
        entries = [model_entry(m) for m in chosen]
        if options["bench"]:
            for entry, model in zip(entries, chosen, strict=True):
                entry["bench"] = bench(model, options["bench"])
        if options["json"]:
            self.stdout.write(json.dumps(entries, indent=1))
        else:
            for entry in entries:
                self.print_entry(entry, options["fallback_only"])
        below = [e for e in entries if e["percent"] < (options["threshold"] or 0)]
        if below:
            names = ", ".join(f"{e['model']} ({e['percent']} %)" for e in below)
            raise CommandError(f"below {options['threshold']} %: {names}")

    def chosen(self, labels: list[str]) -> Any:
        if not labels:
            yield from apps.get_models()
        for label in labels:
            try:
                if "." in label:
                    yield apps.get_model(label)
                else:
                    yield from apps.get_app_config(label).get_models()
            except LookupError as error:
                raise CommandError(str(error)) from error

    def print_entry(self, entry: dict[str, Any], fallback_only: bool) -> None:
        self.stdout.write(
            f"{entry['model']}: {entry['native']} of {entry['total']} fields native ({entry['percent']} %)"
        )
        for f in entry["fields"]:
            why = f["reason"] or "; ".join(f["python_validators"])
            if fallback_only and not why:
                continue
            counted = (
                f" [{f['values']} values, {f['punts']} punts, {f['calls']} calls]"
                if f["values"]
                else ""
            )
            self.stdout.write(f"  {f['field']:24} {f['type']:28} {why or 'native'}{counted}")
        if entry.get("bench"):
            b = entry["bench"]
            self.stdout.write(
                f"  clean_fields: Django {b['django_us']} us, pyforge {b['pyforge_us']} us a row ({b['rows']} rows)"
            )
