"""Who may import whom: a package imports only lower floors, nothing goes in a circle, no private name leaves its room.

    python .ci/layers.py          # a sentence and a file for each import that breaks this; the floors if none does
    python .ci/layers.py map      # the floors, their lines, and what each room imports
"""
import ast, sys
from collections import Counter
from pathlib import Path

lib = Path(__file__).resolve().parent.parent/'dr_nbdev'
FLOORS = (('core',), ('base',), ('photos', 'drawn', 'answers'), ('networks', 'metrics', 'merging'),
          ('training', 'grading', 'data', 'eda'), ('backbones', 'thresholds', 'predict'), ('train',), ('use',))
OUTSIDE = ('studies', 'benchmarks') # not in the wheel: they may import everything, and nothing imports them
FLOOR = {room: i for i, rooms in enumerate((*FLOORS, *zip(OUTSIDE)), 1) for room in rooms}

def modules(): # Dotted name below dr_nbdev to its file
    files = [p for p in sorted(lib.rglob('*.py')) if p.name not in ('__init__.py', '_modidx.py')]
    return {'.'.join(p.relative_to(lib).with_suffix('').parts): p for p in files}

def imports(name, path, known): # Yields module, imported name and line, for each import from the package, late ones too
    here = ['dr_nbdev', *name.split('.')]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if not isinstance(node, ast.ImportFrom): continue
        base = here[:-node.level] if node.level else []
        full = '.'.join([*base, *([node.module] if node.module else [])])
        if full.split('.')[0] != 'dr_nbdev': continue
        for o in node.names:
            to = next((k for k in (f'{full}.{o.name}', full) if k.removeprefix('dr_nbdev.') in known), None)
            if to: yield to.removeprefix('dr_nbdev.'), o.name, node.lineno

def circle(graph): # A list of modules that import each other in a circle; None if there is none
    state, path = {}, []
    def visit(m):
        state[m] = 1
        path.append(m)
        for to in graph[m]:
            if state.get(to) == 1: return path[path.index(to):] + [to]
            if to not in state and (found := visit(to)): return found
        state[m] = 2
        path.pop()
    return next((found for m in graph if m not in state and (found := visit(m))), None)

def faults():
    "List every import that breaks the order of the floors"
    known, out, graph = modules(), [], {}
    for name, path in known.items():
        room, graph[name] = name.split('.')[0], set()
        if room not in FLOOR: out.append(f'{path.name}: the room {room} has no floor: add it to FLOORS in .ci/layers.py')
        for to, what, line in imports(name, path, known):
            there, at = to.split('.')[0], f'{path.relative_to(lib.parent)}:{line}'
            graph[name].add(to)
            if what.startswith('_'): out.append(f'{at} takes the private name {what} of {to}')
            if room in FLOOR and there in FLOOR and there != room and FLOOR[there] >= FLOOR[room]:
                out.append(f'{at} imports {to}, which is not on a lower floor ({FLOOR[there]}, not below {FLOOR[room]})')
    if found := circle(graph): out.append(f'a circle of imports: {" -> ".join(found)}')
    return out

def lines(path): return sum(bool(o.strip()) for o in path.read_text(encoding='utf-8').splitlines())

def show():
    "Print the floors, from the top"
    known, n, uses = modules(), Counter(), {}
    for name, path in known.items():
        room = name.split('.')[0]
        n[room] += lines(path)
        uses.setdefault(room, set()).update(to.split('.')[0] for to, *_ in imports(name, path, known))
    for i, rooms in list(enumerate((*FLOORS, OUTSIDE), 1))[::-1]:
        for r in rooms: print(f'{i if r not in OUTSIDE else "-"} {r:11} {n[r]:5} lines, imports {", ".join(sorted(uses.get(r, set()) - {r})) or "nothing"}')
    print(f'{len(known)} modules, {sum(n.values())} lines, {sum(n[o] for o in OUTSIDE)} of them outside the wheel')

if __name__ == '__main__':
    if sys.argv[1:] == ['map']: show()
    elif wrong := faults(): sys.exit('\n'.join(wrong))
    else: print(f'{len(modules())} modules on {len(FLOORS)} floors: no circle, no import upwards, no private name from another room')
