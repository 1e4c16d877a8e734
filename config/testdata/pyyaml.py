"""Records what PyYAML's safe loader makes of scalars: python3 testdata/pyyaml.py > testdata/pyyaml.json

Each line of the result is one case: the YAML text of a value, and its JSON (dates in ISO form, bytes in base64), or
null in "json" and a reason in "error" where PyYAML refuses it or json.dumps has no form for it.
"""
import base64, datetime, json, sys, yaml

CASES = r"""
yes|no|on|off|Yes|NO|On|OFF|true|True|TRUE|false|False|FALSE|tRUE|yEs|y|n|Y|N|t|f|oN
~|null|Null|NULL|nULL||none|None|nil
0|1|-1|+1|12345|-0|+0|0644|0o644|0777|-0644|08|09|0_7|1_000|1_000_000|_1|1_|0x1F|0xff|-0x10|0X1F|0x|0b101|0b1_0|0b|0b2|-0b11|12345678901234567890123
12:30|1:00|12:30:45|-1:30|+1:30|0:30|01:30|1:60|190:20:30|12:3|12:300|1:2:3:4|24:00|9:5
1.0|1.5|-1.5|+1.5|1.|.5|-.5|+.5|1e3|1E3|1e+3|1.0e3|1.0e+3|1.5E-3|1.e+3|.5e+3|.5e3|1_000.5|1._5|0.1|100.0|1e|1.0e+400|1.0e-400|1:30.5|12:30:45.25|-1:30.5|0.00001|1.0e+16|123456789.123456789|685_230.15|1.2.3|...
.inf|-.inf|+.inf|.Inf|.INF|.nan|.NaN|.NAN|inf|nan|.iNF
2001-12-14|2001-1-4|2001-12-14t21:59:43.10-05:00|2001-12-14 21:59:43.10 -5|2001-12-15 2:59:43.10|2001-12-14T21:59:43Z|2001-12-14 21:59:43|2001-12-14T21:59:43.123456789Z|2001-12-14T21:59:43+05:30|2001-12-14T21:59:43.5|2001-12-14T21:59|2001-13-45|2001-02-30|2001-12-14T25:00:00Z|20011214|2001-12-14T21:59:43-00:00|2027-06-30|2001-12-14 1:2:3|2001-12-14T21:59:43 Z|2001-12-14T21:59:43.|2001-12-14T21:59:43+5|2001-12-14T21:59:43+24:00
text|two words|nova-2|gpt-4|1.2.3.4|10.0.0.1|http://a:1/b|=|<<|a:b|5432/tcp|v1|1k|10G|-|--|+|.|0.0.1
"yes"|'12:30'|"0644"|""|''|"null"|'1e3'|"2001-12-14"
!!str 12|!!str yes|!!int "12"|!!int "0x1F"|!!float 1|!!float "1e3"|!!bool "yes"|!!bool maybe|!!null ""|!!binary aGVsbG8=|!!timestamp 2001-12-14|!!timestamp soon|!foo bar|! 12|!!int abc|!!str|!!float .inf
"""


def plain(v):
    if isinstance(v, (datetime.date, datetime.datetime)):
        return v.isoformat()
    if isinstance(v, bytes):
        return base64.b64encode(v).decode()
    raise TypeError(type(v).__name__)


def record(text):
    try:
        value = yaml.safe_load("k: " + text + "\n")["k"]
        return {"yaml": text, "json": json.dumps(value, default=plain, allow_nan=False)}
    except Exception as e:  # noqa: BLE001
        return {"yaml": text, "json": None, "error": type(e).__name__}


cases = [record(c) for line in CASES.strip().split("\n") for c in line.split("|")]
sys.stdout.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
