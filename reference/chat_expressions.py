"""Expected results for the parts of internal/chat/jinja, one small template each:
operators, filters, tests, methods, formats, white space, scopes.

    python reference/chat_expressions.py --out internal/chat/jinja/testdata/expressions.json.gz

Rendered by jinja2 in the environment that transformers builds for chat templates.
"""

import argparse
import copy
import datetime
import gzip
import itertools
import json

import jinja2
import transformers
from transformers.utils import chat_template_utils as ctu

NOW = datetime.datetime(2026, 3, 5, 9, 7, 2)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


ctu.datetime = Clock

VARS = {
    "s": "Hello, World", "empty": "", "uni": "Straße ÉCOLE ǆ ﬁ Σίσυφος 日本 😀", "ws": " \t x  y\u00a0z \n", "n": 7, "neg": -3, "big": 2**80,
    "f": 2.5, "g": 1e-7, "h": 1e16, "t": True, "no": False, "nil": None, "l": [3, 1, 2], "words": ["b", "A", "c", "a"], "mixed": [1, "a", None],
    "d": {"b": 1, "a": "x", "items": [1], "é": {"k": None}}, "people": [
        {"name": "Bob", "age": 30, "city": "ulm"}, {"name": "al", "age": 25, "city": "Ulm"}, {"name": "Cy", "age": 30}],
    "nested": {"x": [{"y": "z"}]}, "html": "<a href='x'>&\"", "lines": "one\ntwo\r\nthree\x0bfour\n\nfive", "json": "{\"a\": [1, 2.0]}", "zero": 0,
    "quotes": ["it's", "\"q\"", "both ' and \"", "back\\slash", "tab\tnl\n\x00\x7f\u00ad\u200b\ue000\U0001f600"],
}

OPERANDS = ["n", "neg", "f", "t", "nil", "s", "l", "d", "big", "missing", "(1, 2)", "zero", "empty"]
VALUES = ["s", "empty", "uni", "ws", "n", "neg", "big", "f", "g", "h", "t", "nil", "l", "words", "mixed", "d", "people", "missing", "(1, 'a')",
          "range(3)", "s|safe", "l|map('string')", "html", "quotes"]


def expressions():
    for op, a, b in itertools.product(["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", "in", "not in", "and", "or"], OPERANDS, OPERANDS):
        if op == "**" and ("big" in (a, b)) or op == "*" and "big" in (a, b):
            continue
        yield f"{a} {op} {b}"
    for f in ["abs", "capitalize", "count", "default('D')", "d('D', true)", "dictsort", "e", "first", "float", "forceescape", "groupby('city')", "indent",
              "int", "items|list", "join", "join(', ')", "last", "length", "list", "lower", "max", "min", "reject|list", "replace('l', 'L')", "reverse|list",
              "round", "safe", "select|list", "sort", "string", "sum", "title", "tojson", "tojson(indent=2)", "trim", "unique|list", "upper", "urlencode",
              "wordcount", "batch(2)|list", "slice(2)|list", "map('upper')|list", "truncate(6)", "center(20)", "tojson(ensure_ascii=true)",
              "tojson(sort_keys=true, separators=(',', ':'))", "reverse", "first|upper", "attr('x')", "format(1)", "nosuchfilter"]:
        for v in VALUES:
            yield f"{v}|{f}"
    for t in ["defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping", "iterable", "sequence", "callable",
              "escaped", "odd", "even", "lower", "upper", "divisibleby 3", "sameas none", "in 'Hello'", "eq 7", "lt(8)", "filter", "test", "nosuchtest"]:
        for v in VALUES + ["namespace()", "range", "loop", "s.upper", "'upper'"]:
            yield f"({v}) is {t}"
    for a in ["", "1", "-1", "3", "-3", "99", "none"]:
        for b in ["", "2", "-2", "99", "-99"]:
            for c in ["", ":1", ":2", ":-1", ":-2"]:
                yield f"s[{a}:{b}{c}] ~ l[{a}:{b}{c}]"
    for m in ["strip()", "strip('Hd')", "lstrip()", "rstrip()", "split()", "split(' ')", "split('l', 1)", "split(none, 1)", "rsplit('l', 1)", "rsplit(none, 1)",
              "splitlines()", "splitlines(true)", "partition(' ')", "rpartition(' ')", "startswith('H')", "startswith(('x', 'H'))", "startswith('e', 1)", "endswith('d')",
              "find('o')", "find('o', 5)", "find('o', -3, 99)", "rfind('o')", "index('z')", "rindex('o')", "count('l')", "count('')", "replace('l', 'LL')",
              "replace('l', '', 1)", "replace('', '-')", "replace('', '-', 2)", "removeprefix('He')", "removesuffix('ld')", "join(words)", "join('abc')", "join(l)", "upper()", "lower()", "casefold()",
              "title()", "capitalize()", "swapcase()", "zfill(15)", "center(15)", "center(16, '*')", "ljust(15, '.')", "rjust(15)", "expandtabs(4)", "isdigit()",
              "isdecimal()", "isnumeric()", "isalpha()", "isalnum()", "isspace()", "isupper()", "islower()", "istitle()", "isascii()", "isidentifier()", "nosuch()", "__class__", "upper", "split('')"]:
        for v in ["s", "empty", "uni", "ws", "lines", "'-42'", "'²½'", "'ABC'", "'a_b'", "'Tİ'", "s|safe"]:
            yield f"({v}).{m}"
    for f, args in [("%s", "(1,)"), ("%s and %r", "('a', 'b')"), ("%d%%", "n"), ("%5d|%-5d|%05d|%+d", "(n, n, n, n)"), ("%.2f %e %g", "(f, f, g)"), ("%x %X %o %#x", "(255, 255, 8, 255)"),
                    ("%(a)s %(b)d", "d"), ("%s", "l"), ("%s %s", "(1,)"), ("%d", "'x'"), ("%.3s|%10s|%-10s|", "(s, 'r', 'l')"), ("%", "n"), ("%q", "n"), ("%d", "f"), ("%s", "nil"),
                    ("%s", "(1, 2)"), ("%i %u", "(1, 2)"), ("%08.3f", "3.14159"), ("% d", "5"), ("%g %g %g", "(1000000.0, 123456789.0, 0.0001)"), ("%s", "missing")]:
        yield f"'{f}' % {args}"
    for f, args in [("{}", "1"), ("{} {}", "1, 'a'"), ("{1} {0}", "1, 'a'"), ("{a} {b}", "a=1, b=none"), ("{:>5}|{:<5}|{:^5}|", "1, 'a', 'b'"), ("{:05d} {:+} {:,}", "7, 7, 1234567"),
                    ("{:.2f} {:e} {:g} {:%}", "f, f, f, 0.25"), ("{!r} {!s}", "'a', 'b'"), ("{0.name} {0[age]}", "people[0]"), ("{0[0]}", "l"), ("{{}} {}", "1"), ("{", ""), ("}", ""), ("{} {0}", "1"),
                    ("{:x} {:#b} {:o} {:X}", "255, 5, 8, 255"), ("{:*^9}", "'mid'"), ("{:{}}|", "'a', 4"), ("{nope}", ""), ("{}", ""), ("{:d}", "'x'"), ("{:_}", "1234567"), ("{:.3}", "'abcdef'"), ("{:10.3f}|", "f"),
                    ("{:=+6d}", "5"), ("{:s}", "5"), ("{}", "l"), ("{:>4}", "nil"), ("{}", "t"), ("{:5}|", "t"), ("{:.2}", "f"), ("{:,.2f}", "1234567.891")]:
        yield f"'{f}'.format({args})"
    yield from """
        d.items()|list  d.keys()|list  d.values()|list  d.get('a')  d.get('z')  d.get('z',1)  d['items']  d.items  d.pop('a')  d.update({})  d.copy()  d.nosuch  d['nosuch']  d.é.k  d.keys()  d.items()[0]
        nested.x[0].y  nested['x'][0]['y']  nested.x.0.y  nested.x[5]  nested.x[5].y  nested.nope.y  l[0]  l[-1]  l['a']  l.append(1)  l.index(2)  l.count(3)  l.index(9)  l.pop()  people[0].name  s[0]  s[-1]  s[99]  missing.x  missing[0]  missing()
        dict(a=1,b=2)  dict({'x':1},y=2)  dict([('a',1)])  dict(1)  dict.fromkeys(['a','b'],1)  {'a':1,**d}  {1:2,1.0:3,true:4}  {'a':1}['a']  {(1,2):3}[(1,2)]  {[]:1}  [1,2]+[3]  (1,)+(2,)  [1]*3  [1]+(2,)  (1,)  ()  (1)  [1,[2,(3,)],{'a':'b'}]
        range(5)  range(5)|list  range(2,8,3)|list  range(5,0,-2)|list  range(0)  range(1,2,0)  range('a')  range(200000)  range(5)[1:3]|list  range(3)|tojson  3 in range(5)
        1+2*3  (1+2)*3  2**3**2  -2**2  2-1-1  7//2  -7//2  7%3  -7%3  7%-3  7.5//2  -7.5%2  1/2  4/2  1_000  0x1F  0o17  0b101  1.5e3  1e400  -1e400  1e400-1e400  .5  5.  10**20  10**-2  0**0  1/0  1%0  2**0.5  100000000000000000000+1
        1<2<3  1<2>3  1==1.0  1==true  'a'=='a'  none==none  none==missing  missing==missing2  [1,2]==[1,2.0]  {'a':1}=={'a':true}  (1,)==[1]  'b'>'a'  [1,2]<[1,3]  1<'a'  none<1  'a'in'abc'  1in[1.0]  'k'in{'k':1}  1in'1'  'a'not in'b'  not1
        1if true else 2  1if false else 2  1if false  (1if false)|default('x')  1if 0else 2if 0else 3  not not 1  not''  1and 2or 3  ''or'x'  none or missing or 'y'
        'a'~1~none~true~2.5~[1]  'a'"b"'c'  'a\\nb'  "\\x41\\u00e9\\U0001F600\\101"  'it\\'s'  "\\q"  '\\N{DASH}'  '\\x4'  s|upper|lower|title  s|replace('l','L',1)  s|replace('','-')  s|trim('Hd')  s|indent(2,true)  lines|indent  lines|indent('>',true,true)
        'abc'|first  'abc'|last  'abc'|reverse  'abc'|list  'abc'|length  'abc'|join('-')  d|join(',')  d|list  d|length  d|first  l|sum(start=10)  people|sum(attribute='age')  people|sum('age')  l|sort(reverse=true)  words|sort  words|sort(case_sensitive=true)  words|sort(true)
        people|sort(attribute='age,name')|map(attribute='name')|list  people|sort(attribute='age')|map(attribute='name')|join  people|groupby('age')|list  people|groupby('city',default='?')|map('first')|list  people|groupby('city')|list
        people|map(attribute='city')|list  people|map(attribute='city',default='-')|list  people|selectattr('city')|list|length  people|selectattr('city','defined')|list|length  people|selectattr('age','>',26)|map(attribute='name')|list  people|selectattr('age','equalto',30)|list|length
        people|rejectattr('age','eq',30)|map(attribute='name')|join  l|select('odd')|list  l|reject('odd')|list  l|select('>',1)|list  l|map('string')|join('+')  l|map('nosuch')|list  l|map(attribute=0)|list  words|map('replace','a','z')|list  l|select('nosuch')|list
        words|unique|list  words|unique(true)|list  words|min  words|max  words|max(case_sensitive=true)  people|min(attribute='age')  []|min  []|first  []|last  []|sum  []|max|default('none')  l|batch(2,'x')|list  l|slice(2,'x')|list  l|slice(0)|list  d|dictsort  d|dictsort(true)  {'a':2,'b':1}|dictsort(false,'value')  {'a':2}|dictsort(by='z')  {'B':1,'a':2}|dictsort(reverse=true)
        2.5|round  3.5|round  2.675|round(2)  1234|round(-2)  1234.5|round(-2)  2.1|round(0,'ceil')  2.9|round(method='floor')  2|round(1,'ceil')  2.5|round(1,'x')  '42'|int  '42.9'|int  'x'|int  'x'|int(5)  '0x1f'|int(0,16)  '101'|int(base=2)  ' 7 '|int  '1_0'|int  '1__0'|int  nil|int  l|int  '3.5'|float  'x'|float  'x'|float(1.5)  '1e3'|float  'inf'|float  'nan'|float  '0x10'|float  1e400|int  true|int  2.9|int  -2.9|int
        s|truncate(5)  s|truncate(8,true)  s|truncate(7,true,'!')  s|truncate(7,leeway=0)  s|truncate(7,false,'..',0)  s|truncate(2)  'a b c'|wordcount  'a b&c/d é'|urlencode  {'a b':'c/d'}|urlencode  [('x',1)]|urlencode  s|center(20)|length  s|attr('upper')  d|attr('a')  '%s-%s'|format(1,2)  '%(a)s'|format(a=1)  '%s'|format  s|e|e  html|e  html|safe|e  html|escape|upper  (html|e)~html  (html|e)+html  html+(html|e)  ('%s'|safe)%html  ('{}'|safe).format(html)  (html|safe).replace('&','<')  ('<'|safe).join([html])  (html|safe)*2  (html|safe)[0]  html|safe is escaped  (html|safe)|tojson  [html|safe]
        s|tojson  html|tojson  uni|tojson  uni|tojson(true)  d|tojson  d|tojson(indent=0)  d|tojson(indent='--')  d|tojson(indent=true)  []|tojson(indent=2)  {}|tojson(indent=2)  [[],{},[1]]|tojson(indent=1)  d|tojson(separators=(',',':'))  {1:2,none:3,true:4,1.5:5}|tojson  {(1,2):3}|tojson  missing|tojson  namespace()|tojson  d.items()|tojson  [1e400,-1e400,1e400-1e400,1e16,1e15,0.1,1e-5,1.0]|tojson  quotes|tojson  quotes|tojson(ensure_ascii=true)  {'b':1,'a':{'d':1,'c':2}}|tojson(sort_keys=true)  {1:1,'a':2}|tojson(sort_keys=true)
        quotes  quotes|string  [1e16,1e15,123456789012345680.0,1e-4,1e-5,0.1,-0.0,100.0]  d|string  (none,true,1.5)  namespace(a=1)  namespace(a=1).a  namespace({'x':1}).x  namespace(_a=1)  namespace().x  cycler('a','b').next()  joiner(',')()  strftime_now('%d%b%Y')  raise_exception('no')  nosuchfunction()  range  s.upper  loop  caller  varargs
        strftime_now('%a|%A|%b|%B|%c|%d|%e|%f|%F|%G|%H|%I|%j|%m|%M|%p|%S|%T|%u|%U|%V|%w|%W|%x|%X|%y|%Y|%Z|%z|%%|%D|%R|%r|%C|%h|%n|%t|%k|%l|%-d|%-m|%-I|%-H|%-j|%-y')
    """.split()


def statements():
    yield from [
        "{% for x in l %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.index0 }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
        "{% for x in l if x > 1 %}{{ loop.index }}:{{ x }} {% else %}none{% endfor %}", "{% for x in [] %}a{% else %}b{% endfor %}", "{% for x in missing %}a{% else %}b{% endfor %}",
        "{% for x in 5 %}a{% endfor %}", "{% for x in none %}a{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for a, b in l %}{% endfor %}",
        "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for c in s %}{{ c }}.{% endfor %}", "{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
        "{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% break %}", "{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
        "{% for x in l %}{% for y in words %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}",
        "{% for x in [[1, [2]], [3]] recursive %}{{ loop.depth }}{{ loop.depth0 }}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}", "{% for x in l %}{{ loop(l) }}{% endfor %}",
        "{% for x in l|map('string') %}{{ loop.last }}{{ loop.length }}{% endfor %}", "{% set it = l|map('string') %}{{ it|list }}{{ it|list }}", "{% set it = l|select %}{% for x in it %}{{ x }}{% endfor %}{% for x in it %}{{ x }}{% endfor %}",
        "{% for x in l %}{{ loop }}{% endfor %}", "{% for x in l %}{{ loop|length }}{% endfor %}", "{% for x in range(3) %}{{ x }}{% endfor %}",
        "{% set x = 1 %}{% for i in l %}{% set x = i %}{{ x }}{% endfor %}{{ x }}", "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
        "{% set ns = {} %}{% set ns.x = 1 %}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = l %}", "{% set a = 1, %}{{ a }}", "{% set a %}x{{ n }}y{% endset %}{{ a }}{{ a is string }}",
        "{% set a | upper | replace('X', 'z') %}x{{ n }}y{% endset %}{{ a }}", "{% set x = 1 %}{% set y %}{% set x = 2 %}{{ x }}{% endset %}{{ x }}{{ y }}", "{% for i in l %}{% set z = i %}{% endfor %}{{ z }}", "{% set true = 1 %}", "{% set x.y.z = 1 %}",
        "{% macro m(a, b=2, c=a) %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}{{ m(1, 2, 3) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}",
        "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}", "{% macro m() %}{{ caller() }}!{% endmacro %}{% call m() %}body {{ n }}{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}-{{ b }}{% endcall %}",
        "{% macro m() %}x{% endmacro %}{% call m() %}{% endcall %}", "{% macro m() %}{{ caller is defined }}{% if caller %}{{ caller() }}{% endif %}{% endmacro %}{{ m() }}{% call m() %}y{% endcall %}", "{{ caller() }}",
        "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(5) }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ x }}{% endmacro %}{% set x = 5 %}{{ m() }}", "{% macro m() %}{% set x = 1 %}{% endmacro %}{% set x = 2 %}{{ m() }}{{ x }}",
        "{% macro m() %} a {% endmacro %}[{{ m()|trim }}]{{ m.name }}", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m(a, b=1, c) %}{% endmacro %}",
        "{% filter upper %}a{{ s }}{% endfilter %}", "{% filter replace('a', 'b')|upper %}aab{% endfilter %}", "{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}", "{% set x = 1 %}{% with x = 2 %}{{ x }}{% endwith %}{{ x }}",
        "{% if n == 7 %}a{% elif true %}b{% else %}c{% endif %}", "{% if no %}a{% elif t %}b{% else %}c{% endif %}", "{% if no %}a{% elif no %}b{% else %}c{% endif %}", "{% if no: %}a{% endif %}", "{% if missing %}a{% endif %}b", "{% if missing.x %}a{% endif %}", "{% if %}{% endif %}",
        "{% generation %}a{{ n }}{% endgeneration %}b", "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}", "{% for x in l %}{% generation %}{{ loop.index }}{% endgeneration %}{% endfor %}", "{% print n, s %}", "{% do 1 %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% unknown %}",
        "{% raw %}{{ x }}{% y %}{% endraw %}", "{% raw -%}  a  {%- endraw %} b", "  {% raw %}\n a\n  {% endraw %}\n b", "{# comment #}a", "a {#- c -#} b", "a\n  {# c #}\nb", "a\n  {#+ c +#}\nb", "{# a", "{{ a", "{% if x", "{{ 'a }}", "{{ }}", "{% %}", "{{ a b }}", "{{ (1 }}", "{{ 1) }}", "{{ [1, }}", "{{ {1} }}",
        "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}  \nb\n  {% endif %}  \nc\n\n", "a {%- if true -%} b {%- endif -%} c", "a\n\n {%- if true %}\n\nb{% endif +%}\nc", "a\n  {%+ if true %}\nb\n{%+ endif %}\nc", "  {{ n }}  \n  {{ n }}\n", " {{- n -}} \n x", "{{ n }}\n\n", "\n{{ n }}\n", "a\r\nb\r{{ n }}\r\n",
        "{% if true %}{% endif %}\nx", "  {% if true %} {% endif %}\n  x", "x {% set a = 1 %}\n  {% set b = 2 %}\ny", "{%- set a = 1 -%}\n\n  {{ a }}  {%- set b = 2 %}\n z", "{{ 'a' -}}\n b\n{{- 'c' }}", "{{ \"a\nb\" }}", "{{ 1\n+\n2 }}", "{{ '{{' }}{{ '%}' }}{{ {'a': {'b': 1}} }}", "{{ '}}' }}", "{% set x = '%}' %}{{ x }}", "{{ {'a': 1}.a }}{{ {} }}",
        "{{ n }}{{ n|string }}{{ nil }}{{ t }}{{ missing }}{{ f }}{{ g }}{{ h }}{{ big }}{{ l }}{{ d }}", "{{ 1, 2 }}", "{{ l[0], }}", "{{ m }}{% macro m() %}{% endmacro %}", "{{ true }}{{ True }}{{ none }}{{ None }}{{ false }}", "{% set loop = 1 %}{{ loop }}", "{{ s.upper().lower().title() }}", "{{ (s.split)(',') }}",
        "{{ dict(**d)|length }}", "{{ dict(*[[('a', 1)]]) }}", "{{ range(*[1, 4])|list }}", "{{ s.split(sep='o') }}", "{{ s.split(sep='o', maxsplit=1) }}", "{{ s.strip(x=1) }}", "{{ s.upper(1) }}", "{{ s|upper(1) }}", "{{ s|replace('a') }}", "{{ s is defined(1) }}", "{{ l|join(d='-') }}", "{{ f(a=1, 2) }}", "{{ dict(a=1, a=2) }}", "{{ dict(**1) }}",
        "{{ n is not none }}{{ n is not defined }}{{ not n is defined }}", "{{ n is number and s is string }}", "{{ 3 is divisibleby(2) or true }}", "{{ n is n is n }}", "{{ -n|abs }}{{ (-n)|abs }}{{ -1.5|round }}", "{{ people|map(attribute='name')|map('lower')|sort|join(',') }}", "{{ s|default(d=1) }}", "{{ [1, 2, 3][-2:] }}{{ 'abc'[::-1] }}{{ (1, 2, 3)[1:] }}",
        "{{ 'x' if n else 'y' ~ 'z' }}", "{{ 'a' ~ ('b' if no) ~ 'c' }}", "{{ d.a if d.a is defined else 'none' }}", "{{ [x for x in l] }}", "{{ lambda: 1 }}", "{{ s[1:3][0] }}", "{{ s[1:2, 3] }}", "{{ d['a', 'b'] }}", "{{ l[none] }}", "{{ l['x':] }}", "{{ l[::0] }}", "{{ d[[1]] }}", "{{ 1.5.nosuch }}", "{{ 'a'.b.c }}", "{{ ''.__class__.__mro__ }}", "{{ l.__len__ }}", "{{ d.__class__ }}",
    ]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    a = p.parse_args()
    templates = ["{{ " + e.replace("\u0000", "") + " }}" for e in expressions()] + list(statements())
    results = []
    for source in templates:
        try:
            results.append([source, ctu._compile_jinja_template(source).render(**copy.deepcopy(VARS))])
        except RecursionError:
            results.append([source, None])
        except Exception:  # whatever Python refuses, we must refuse
            results.append([source, None])
    doc = dict(script="reference/chat_expressions.py", versions={"transformers": transformers.__version__, "jinja2": jinja2.__version__},
               now=NOW.isoformat(), vars=VARS, results=results)
    data = json.dumps(doc, ensure_ascii=False).encode("utf-8", "surrogatepass")
    with open(a.out, "wb") as f:
        f.write(gzip.compress(data, mtime=0))
    print(len(results), "templates,", sum(r is None for _, r in results), "refused,", len(data), "bytes")


if __name__ == "__main__":
    main()
