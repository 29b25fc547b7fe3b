import json

print(json.dumps({"a": 1}))
print(json.dumps({"b": [1, 2.5, None, True, "é\n"], "a": {"x": {}}}, indent=2, sort_keys=True))
print(json.loads('{"k": [1, -2e3, "\\u00e9", false, null]}'))


class Encoder(json.JSONEncoder):
    def default(self, o):
        return sorted(o) if isinstance(o, set) else super().default(o)


print(json.dumps({"s": {3, 1, 2}}, cls=Encoder))
try:
    json.dumps(object)
except TypeError as e:
    print(e)
try:
    json.loads("[1,")
except json.JSONDecodeError as e:
    print(e)
