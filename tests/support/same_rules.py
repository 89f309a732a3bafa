"""Whether two rule files say the same: same groups, names and labels; expressions equal once parsed, numbers to 1e-12."""

import math

import promql_parser as library


def shape(text):
    """An expression as nested tuples: parentheses, blanks and the order of matchers leave no trace."""
    return _shape(library.parse(text))


def _shape(node):
    match node:
        case library.ParenExpr():
            return _shape(node.expr)
        case library.NumberLiteral():
            return ("number", float(node.val))
        case library.StringLiteral():
            return ("string", node.val)
        case library.VectorSelector():
            matchers = sorted((m.name, str(m.op), m.value) for m in node.matchers.matchers)
            return ("selector", node.name or "", tuple(matchers), str(node.offset), str(node.at))
        case library.MatrixSelector():
            return ("range", _shape(node.vector_selector), node.range.total_seconds())
        case library.SubqueryExpr():
            return ("subquery", _shape(node.expr), str(node.range), str(node.step), str(node.offset))
        case library.Call():
            return ("call", node.func.name, tuple(_shape(one) for one in node.args))
        case library.AggregateExpr():
            modifier = (str(node.modifier.type), tuple(sorted(node.modifier.labels))) if node.modifier else None
            parameter = _shape(node.param) if node.param is not None else None
            return ("aggregate", str(node.op), parameter, _shape(node.expr), modifier)
        case library.UnaryExpr():
            return ("negative", _shape(node.expr))
        case library.BinaryExpr():
            return ("binary", str(node.op), _shape(node.lhs), _shape(node.rhs), _modifier(node.modifier))
    raise AssertionError(type(node))


def _modifier(modifier):
    if modifier is None:
        return None
    matching = (str(modifier.matching.type), tuple(sorted(modifier.matching.labels))) if modifier.matching else None
    return (str(modifier.card), matching, bool(modifier.return_bool), tuple(sorted(modifier.group_labels or ())))


def same_shape(one, other, rel=1e-12):
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=rel, abs_tol=0.0)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same_shape(a, b, rel) for a, b in zip(one, other, strict=True))
    return one == other


def same_expression(one, other, rel=1e-12):
    return one == other or same_shape(shape(one), shape(other), rel)


def differences(ours, theirs, ignore_labels=()):
    """What differs between two rule documents (`{groups: [...]}` as read from YAML), in words; empty if they say the same."""
    found = []
    if [g["name"] for g in ours["groups"]] != [g["name"] for g in theirs["groups"]]:
        return [f"groups {[g['name'] for g in ours['groups']]} != {[g['name'] for g in theirs['groups']]}"]
    for our_group, their_group in zip(ours["groups"], theirs["groups"], strict=True):
        where = our_group["name"]
        if len(our_group["rules"]) != len(their_group["rules"]):
            found.append(f"{where}: {len(our_group['rules'])} rules, not {len(their_group['rules'])}")
            continue
        if _rest(our_group, "rules") != _rest(their_group, "rules"):
            found.append(f"{where}: {_rest(our_group, 'rules')} != {_rest(their_group, 'rules')}")
        for one, other in zip(our_group["rules"], their_group["rules"], strict=True):
            for rule in (one, other):
                for label in ignore_labels:
                    rule.get("labels", {}).pop(label, None)
            if _rest(one, "expr") != _rest(other, "expr"):
                found.append(f"{where}: {_rest(one, 'expr')} != {_rest(other, 'expr')}")
            if not same_expression(one["expr"], other["expr"]):
                found.append(f"{where}: {one['expr']} != {other['expr']}")
    return found


def _rest(mapping, without):
    return {key: value for key, value in mapping.items() if key != without}
