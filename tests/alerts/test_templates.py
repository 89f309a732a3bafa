"""Templates against the real promtool, text for text, and what is refused before anything runs."""

import math

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.promtool_templates import real_texts, refused
from workbench.alerts.templates import compile_template
from workbench.errors import BadInput

LABELS = {
    "job": "api",
    "instance": "web-1.example.com:9090",
    "x": "a.b.c",
    "ip": "10.0.0.1:80",
    "q": 'it\'s "q" <b>&=\\ é',
    "num": "12.5",
}
VALUES = [
    *(0.25, 1234567.0, 1e21, 1e20, 123456789.0, 1e-5, 0.0001, 100000.0, 1e6, math.nan, math.inf, -math.inf, -3.5, 0.0, 90061.5),
    *(0.00012345, 1700000000.123, 2.0, 1e25, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 999.96, 1023.99, -1e-7, 86399.999),
]
VERBS = "%v|%d|%f|%.2f|%g|%e|%q|%x|%t|%s|%8.3f|%-8.1f|%+g|%08.3f|% g|%#g|%G|%E|%%|%.0f|%.3g|%6.2v|%.3x|%b"
OF_VALUES = [
    "{{ $value }}",
    "{{ $value | humanize }}",
    "{{ humanize1024 $value }}",
    "{{ humanizeDuration $value }}",
    "{{ $value | humanizePercentage }}",
    "{{ humanizeTimestamp $value }}",
    f'{{{{ printf "{VERBS}" {" ".join(["$value"] * 24)} }}}}',
    '{{ print $value 1 "a" 2 }}',
    "{{ toTime $value }}",
    '{{ (toTime $value).Format "2006-01-02T15:04:05.000Z07:00 Mon Jan _2 3:4:5PM" }}',
]
OF_LABELS = r"""
{{ $labels.job }}
{{ .Labels.job }} {{ .Value }}
{{ $labels }}
{{ $labels.missing }}x
{{ index $labels "job" }}{{ index $labels "nope" }}
{{ index .Labels "job" | toUpper }}
{{ $externalLabels }}{{ .ExternalURL }}{{ $externalURL }}
{{ if $labels.nope }}a{{ else if eq $labels.job "api" "b" }}b{{ else }}c{{ end }}
{{ with $labels.job }}[{{ . }}]{{ end }}
{{ with $x := $labels.job }}[{{ $x }}]{{ . }}{{ else }}no{{ end }}
{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}
{{ range $labels }}{{ . }};{{ end }}
{{ range $v := $labels }}{{ $v }}{{ else }}none{{ end }}
{{ range $k, $v := $labels }}{{ if eq $k "job" }}{{ break }}{{ end }}{{ $k }}{{ end }}
{{ range $k, $v := $labels }}{{ if ne $k "job" }}{{ continue }}{{ end }}{{ $k }}{{ end }}
{{ define "a" }}<{{ . }}>{{ end }}{{ template "a" $labels.job }}{{ template "a" }}
{{ define "z" }}{{ toUpper . }}{{ end }}{{ template "z" 1 }}
{{ block "b" $value }}({{ . }}){{ end }}
{{ $x := 1 }}{{ $x = 2 }}{{ $x }}
{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}
{{ $x := "a" }}{{ if true }}{{ $x := "b" }}{{ $x }}{{ end }}{{ $x }}
{{/* comment */}}a {{- /* c */ -}} b
 a {{- $labels.job -}} b
{{ "quoted \"x\" \u00e9 \x41 \101 \n" }}
{{ `raw` }}{{ 'a' }}{{ 1.5 }}{{ 0x1F }}{{ 1e3 }}{{ 010 }}{{ 1_000 }}{{ -3 }}{{ true }}
{{ len $labels.job }}{{ len $labels }}{{ len "é" }}
{{ slice $labels.job 1 }}{{ slice $labels.job 0 2 }}{{ slice $labels.job }}
{{ index "abc" 1 }}
{{ and 1 0 }}{{ and 1 2 }}{{ or 0 "" "x" }}{{ not 0 }}{{ or "" 0 }}
{{ and }}
{{ eq 1 1 }}{{ ne "a" "b" }}{{ lt 1 2 }}{{ le 1.5 1.5 }}{{ gt "b" "a" }}{{ ge 1 2 }}
{{ eq $value 1 }}
{{ gt $value 0.1 }}{{ if and (gt $value 0.0) (lt $value 1.0) }}in{{ end }}
{{ eq 1 2 3 1 }}
{{ eq $labels $labels }}
{{ lt $labels 1 }}
{{ lt true false }}
{{ html $labels.q }}|{{ js $labels.q }}|{{ urlquery $labels.q }}
{{ title "hello-world foo_bar éa x" }}|{{ toUpper "éa" }}|{{ toLower "ÀB" }}
{{ match "a.b" $labels.x }}{{ match "^b" $labels.x }}{{ reReplaceAll "(.*):.*" "$1" $labels.instance }}
{{ reReplaceAll "(\\w)\\.(\\w)" "${2}-$1$$-$1x" $labels.x }}
{{ reReplaceAll "(" "x" "y" }}
{{ match "(" "y" }}
{{ match "[a" "y" }}
{{ match "*" "y" }}
{{ match "a)" "y" }}
{{ match "a**" "y" }}
{{ match "[b-a]" "y" }}
{{ match "\\pL+" "é" }}{{ match "(?i)A" "a" }}{{ match "a.b" "a\nb" }}{{ match "[[:alpha:]]" "x" }}
{{ reReplaceAll "a*" "x" "baaac" }}{{ reReplaceAll "" "-" "abc" }}{{ reReplaceAll "é" "e" "éé" }}
{{ reReplaceAll "(?P<n>b)" "<${n}>" "abc" }}{{ reReplaceAll "b" "$0$0" "abc" }}{{ reReplaceAll "b" "$" "abc" }}
{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain $labels.ip }} {{ stripPort "noport" }}
{{ stripDomain "a.b.c" }} {{ stripPort "[::1]:80" }} {{ stripDomain "[::1]:80" }} {{ stripPort "a:b:c" }}
{{ parseDuration "1h30m" }} {{ parseDuration "1d" }} {{ parseDuration "250ms" }}
{{ parseDuration "x" }}
{{ parseDuration "" }}
{{ safeHtml "<b>" }}
{{ safeHtml "<b>" | toUpper }}
{{ graphLink "up == 0" }} {{ tableLink "up{a=\"b\"}" }}
{{ args 1 "b" }}{{ (args 1 "b").arg1 }}{{ (args 1).arg5 }}
{{ humanize "1234" }}{{ humanize 12345 }}{{ humanize "x" }}
{{ humanize true }}
{{ humanize $labels.num }} {{ humanizeDuration "90" }} {{ humanizePercentage 1 }}
{{ humanize $labels }}
{{ $labels.job.x }}
{{ $value.x }}
{{ toUpper $value }}
{{ toUpper 1 }}
{{ toUpper }}
{{ toUpper "a" "b" }}
{{ $labels.job "x" }}
{{ $labels "x" }}
{{ 1 2 }}
{{ "a" | $labels.job }}
{{ template "none" }}
{{ index $labels 1 }}
{{ index $value 1 }}
{{ index "abc" 7 }}
{{ index $labels.job "a" }}
{{ len 3 }}
{{ len $value }}
{{ slice 1 2 }}
{{ slice "abc" 2 1 }}
{{ slice "abc" 1 9 }}
{{ range 3 }}x{{ end }}
{{ range $labels.job }}x{{ end }}
{{ nil }}
{{ $labels.job | printf "%s-%s" "a" | toUpper | printf "%q" }}
{{ printf "%d %s" 1 }}|{{ printf "%d" 1 2 }}|{{ printf "%z" 1 }}|{{ printf "%" }}|{{ printf "%d" "x" }}|{{ printf "%.2f" "abc" }}
{{ printf "%s" $labels }}|{{ printf "%d" $labels }}|{{ printf "%t" true }}|{{ printf "%v %v" "a" nil }}
{{ printf "%T %T %T %T" 1 1.5 "a" true }}
{{ printf "%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U|%q|%#x|% d|%.3d" 42 42 42 42 255 255 8 5 65 65 65 255 42 7 }}
{{ printf "%5s|%-5s|%.2s|%q|%x|%X|% x|%#q|%+q|%05s" "abc" "abc" "abc" "a\"b" "hi" "hi" "hi" "a" "é" "ab" }}
{{ printf "%[2]d %[1]d" 1 2 }}|{{ printf "%*d" 5 42 }}|{{ printf "%.*f" 2 3.14159 }}|{{ printf "%[3]d" 1 }}
{{ printf "%s" 1.5 }}|{{ printf "%s" 3 }}|{{ printf "%s" true }}
{{ printf 1 }}
{{ print "a" "b" }}|{{ print 1 2 }}|{{ print "a" 1 2 "b" }}|{{ println "a" 1 }}
{{ print }}|{{ print nil }}
{{ range query "up" }}{{ . }}{{ else }}nothing{{ end }}
{{ query "up" | first }}
{{ with query "up" }}{{ . | first | value }}{{ else }}no{{ end }}
{{ first (query "vector(3)") | value }} {{ query "vector(3)" | first }}
{{ value 1 }}
{{ value nil }}
{{ first nil }}
{{ $x := $labels.job }}{{ $y := printf "%s!" $x }}{{ $y }}
{{ ($labels.job) }} {{ (index $labels "job") | len }} {{ (print "a") }}
{{ (.Labels).job }}
{{ $.Labels.job }} {{ $.Value }}
{{ with .Labels }}{{ .job }}{{ $.Value }}{{ end }}
{{ if or (eq $labels.job "a") (eq $labels.job "api") -}} yes {{- end }}
{{ if 1.0 }}a{{ end }}{{ if 0.0 }}b{{ end }}{{ if "" }}c{{ end }}{{ if $labels }}d{{ end }}{{ if eq 1 2 }}e{{ end }}
text {{"{{"}} x {{ "}}" }}
{{ toTime 1.5 }}{{ (toTime 0).Unix }}{{ (toTime 0).Year }}
{{ and $labels.job $labels.nope | print }}
{{ or $labels.nope "d" | toUpper }}
{{ index }}
{{ $x = 1 }}
{{ $x := $x }}
{{ $value | }}
{{ (1).x }}
{{ (1).x.y | print }}
ä {{ humanize "x" }}
""".strip("\n").split("\n")
MULTILINE = [
    'multi\nline {{ humanize "x" }}',
    'ä\nä {{ humanize "x" }}',
    "{{ range\n $labels }}{{ .\n}}{{ end\n}}",
    "a\n{{- 1 }}\n {{ 2 -}} \n b",
]
QUERIES = {"vector(3)": [((), 3.0)], "up": []}


def ours(index, template, labels, value):
    compiled = compile_template(template, f"A{index}")
    return compiled.render({**labels, "__name__": f"m{index}"}, value, 0.0, query=QUERIES.__getitem__)


def differences(folder, cases):
    real = real_texts(folder, cases)
    mine = [ours(index, *case) for index, case in enumerate(cases)]
    return [(case, one, other) for case, one, other in zip(cases, mine, real, strict=True) if one != other]


def test_texts_of_values_are_those_of_promtool(tmp_path):
    cases = [(template, {"job": "a"}, value) for value in VALUES for template in OF_VALUES]
    assert differences(tmp_path, cases) == []


def test_texts_of_labels_and_errors_are_those_of_promtool(tmp_path):
    assert differences(tmp_path, [(template, LABELS, 0.25) for template in [*OF_LABELS, *MULTILINE]]) == []


def test_the_oracle_sees_one_wrong_digit(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.alerts.gotemplate.fmt._SHORTEST_EXPONENT", 21)
    assert len(differences(tmp_path, [("{{ $value }}", {}, 1234567.0)])) == 1


PIECES = st.sampled_from(
    [
        "$value", ".Value", "$labels.job", '"a b"', "12", "1.5", "-3", "true", '(index $labels "job")', "$labels",
        '(printf "%v" $value)', "nil", "(len $labels)", "(humanize $value)",
    ]
)  # fmt: skip
CALLS = st.sampled_from(
    ["humanize", "humanizeDuration", "humanizePercentage", "humanize1024", "print", "len", "toUpper", "not", "html",
     'printf "%v|%5.1f"', "eq 1.5", "gt 1.0", "or", "and", 'printf "%s %d %q" 1', "title", "index $labels", "stripPort", "lt 3"]
)  # fmt: skip


@st.composite
def templates(draw):
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 4))
        piece, calls = draw(PIECES), draw(st.lists(CALLS, max_size=2))
        pipe = " | ".join([piece if calls or piece != "nil" else "1", *calls])
        if kind == 0:
            parts.append(f"{{{{ if {pipe} }}}}yes{{{{ else }}}}no{{{{ end }}}}")
        elif kind == 1:
            parts.append(f"{{{{ with {pipe} }}}}{{{{ . }}}}{{{{ end }}}}")
        elif kind == 2:
            before = draw(st.sampled_from(["x ", " \n", "é"]))
            parts.append(f"{before}{{{{- {pipe} -}}}} y")
        else:
            parts.append(f"{{{{ {pipe} }}}}")
    return "".join(parts)


@settings(max_examples=6, phases=[Phase.generate])
@given(
    st.lists(
        st.tuples(templates(), st.fixed_dictionaries({"job": st.sampled_from(["api", "b:1", "1.5"])}), st.floats(width=64)),
        min_size=150,
        max_size=150,
    )
)
def test_generated_templates_render_as_promtool_renders_them(tmp_path_factory, cases):
    assert differences(tmp_path_factory.mktemp("generated"), cases) == []


BROKEN = [
    "{{", "{{ $labels.job", "{{ }}", "{{ end }}", "{{ if }}x{{ end }}", "{{ if 1 }}x", "{{ else }}", "{{ $nope }}", "{{ nope }}",
    '{{ "a }}', "{{ 1 | 2 }}",
    "{{ $labels.a-b }}", "{{ ( }}", "{{ ) }}", "{{ | print }}", "{{ template }}", "{{ template x }}", "{{ break }}",
    '{{ define "x" }}', '{{ if 1 }}{{ define "x" }}{{ end }}{{ end }}', "{{ 'ab' }}",
    "{{ 1a }}", "{{ /* x }}", '{{ "\\z" }}', "{{ .Labels. }}", "{{ $a, $b := 1 }}",
    "{{ if 1 }}{{ else }}{{ else }}{{ end }}", "{{ 99999999999999999999 }}", "{{ : }}",
    "{{ & }}", "{{ nil.x }}", "{{ range $a, 1 }}{{ end }}",
]  # fmt: skip


def test_what_promtool_refuses_is_refused_with_its_place(tmp_path):
    expected = [text for text in BROKEN if text != "{{ 99999999999999999999 }}"]
    assert refused(tmp_path, expected) == set(range(len(expected)))
    for text in BROKEN:
        with pytest.raises(BadInput) as caught:
            compile_template(text)
        assert caught.value.problems[0].line == 1, text
        assert caught.value.problems[0].column, text


def test_a_misspelt_function_gets_its_nearest_name_and_line():
    with pytest.raises(BadInput) as caught:
        compile_template("one\n  {{ humanise $value }}")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.nearest) == (2, 6, "humanize")


@pytest.mark.parametrize(
    ("template", "needs"),
    [
        ("{{ $value }}", True),
        ("{{ .Value }}", True),
        ("{{ . }}", True),
        ("{{ $.Value }}", True),
        ("{{ $ }}", True),
        ('{{ query "up" }}', True),
        ('{{ define "x" }}{{ . }}{{ end }}{{ template "x" . }}', True),
        ('{{ define "x" }}{{ . }}{{ end }}{{ template "x" $labels.job }}', False),
        ("{{ $labels.job }}", False),
        ("{{ with $labels.job }}{{ . }}{{ end }}", False),
        ("{{ range $k, $v := .Labels }}{{ . }}{{ end }}", False),
        ("plain", False),
    ],
)
def test_it_is_known_whether_the_text_depends_on_more_than_the_labels(template, needs):
    assert compile_template(template).needs_value is needs


def test_literal_queries_are_known_before_the_run():
    compiled = compile_template('{{ query "up" }}{{ "down" | query | first }}{{ printf "x" | query }}')
    assert compiled.queries == ("up", "down")


@pytest.mark.parametrize(
    "template",
    [
        '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}',
        "{{ range $labels }}" * 9 + "xxxxxxxxxxxxxxxx" + "{{ end }}" * 9,
        '{{ printf "%999999999d" 1 }}' * 200,
    ],
)
def test_bombs_end_in_an_error_text(template):
    text = compile_template(template, "B").render({str(k): "v" for k in range(30)}, 1.0, 0.0)
    assert text.startswith("<error expanding template: error executing template __alert_B: ")


def test_deep_nesting_is_refused():
    with pytest.raises(BadInput):
        compile_template("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from(list("{}$.|()\"'`=:-/* \nabifend1,range")), max_size=60), st.floats())
def test_any_text_is_refused_or_renders(text, value):
    try:
        compiled = compile_template("{{" + text + "}}")
    except BadInput:
        return
    assert isinstance(compiled.render({"a": "b"}, value, 0.0), str)
