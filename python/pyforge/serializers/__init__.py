"""SERIALIZATION_MODULES = {"json": "pyforge.serializers.json", "jsonl": …}"""
