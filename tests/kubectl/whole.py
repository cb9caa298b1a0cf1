"""Whole manifests: merges, lists in lists, line ends and JSON streams, as they are found."""

WHOLE = (
    ("x: &c {name: a, image: x, command: [a]}\nkind: Pod\nspec:\n  containers:\n  - <<: *c\n"),
    (
        "x: &c {name: a, image: x}\nkind: Pod\nspec:\n  containers:\n  - <<: *c\n"
        "    command: [b]\n  - <<: *c\n    name: d\n    command: [e]\n"
    ),
    ("x: &c {name: a, image: x}\nkind: Pod\nspec:\n  containers:\n  - command: [b]\n    <<: *c\n"),
    ("x: &s {containers: [{name: a, image: x, command: [q]}]}\nkind: Pod\nspec:\n  <<: *s\n"),
    (
        "x: &s {containers: [{name: a, image: x, command: [q]}]}\nkind: Pod\nspec:\n"
        "  <<: *s\n  tty: true\n"
    ),
    "x: &s {containers: [{name: a, image: x, command: [q]}]}\nkind: Pod\nspec: *s\n",
    "x: &l [{name: a, image: x, command: [q]}]\nkind: Pod\nspec:\n  containers: *l\n",
    (
        "x: &l [{name: a, image: x, command: [q]}]\nkind: Pod\nspec:\n  containers: *l\n"
        "  initContainers: *l\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - &a {name: a, image: x, command: [q]}\n"
        "  - <<: *a\n    name: b\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - &a\n    name: a\n    image: x\n"
        "    command: &cmd [q, r]\n  - <<: *a\n    name: b\n  volumes: &v []\n"
    ),
    (
        "kind: Pod\nspec:\n  volumes: &v\n  - name: z\n  containers:\n"
        "  - {name: a, image: x, command: [q], volumeMounts: []}\n"
    ),
    ("kind: Pod\nspec:\n  volumes:\n  containers:\n  - {name: a, image: x, command: [q]}\n"),
    (
        "kind: Pod\nspec:\n  volumes: ~\n  containers:\n"
        "  - {name: a, image: x, command: [q], volumeMounts: null}\n"
    ),
    ("kind: Pod\nmetadata:\nspec:\n  containers:\n  - {name: a, image: x, command: [q]}\n"),
    (
        "kind: Pod\nmetadata: {annotations: }\nspec:\n  containers:\n"
        "  - {name: a, image: x, command: [q]}\n"
    ),
    (
        "kind: Pod\nmetadata: {annotations: {? a, b: c}}\nspec:\n  containers:\n"
        "  - {name: a, image: x, command: [q]}\n"
    ),
    (
        '{"kind":"List","items":[{"kind":"Pod","spec":{"containers":[{"name":"a'
        '","image":"x","command":["q"]}]}}]}\n'
        '{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q"]}]}}'
    ),
    ('{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q"]}]}}---\n{"a":1}'),
    '[{"kind":"Pod"}]',
    '{"kind":"Pod",}',
    ('{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q"]}]}} trailing'),
    ('\ufeff{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q"]}]}}'),
    ('{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q\\u0000"]}]}}'),
    ('{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["\\ud800"]}]}}'),
    (
        '{"kind":"Pod","kind":"Job","spec":{"containers":[{"name":"a","image":"'
        'x","command":["q"]}]}}'
    ),
    (
        '{"kind":"Pod","Kind":"Job","spec":{"containers":[{"name":"a","image":"'
        'x","command":["q"]}]}}'
    ),
    '{"kind":"Pod","n":1e400}',
    '{"n":NaN}',
    '{"n":01}',
    "{'kind': 'Pod'}",
    '{"kind":"Pod" /* c */}',
    '{"kind":"Pod"}\n# c\n',
    '{"kind":"Pod"}\n\n---\n\n{"kind":"Pod"}\n---\n',
    ('  {"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q"]}]}}\n'),
    (
        "\n\n"
        '{"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","command":["q"]}]}}\n'
        '{"kind":"Pod"}'
    ),
    (
        "kind: List\nitems:\n- kind: List\n  items:\n  - kind: Pod\n    spec:\n"
        "      containers: [{name: a, image: x, command: [q]}]\n"
    ),
    ("kind: PodList\nitems:\n- spec:\n    containers: [{name: a, image: x, command: [q]}]\n"),
    (
        "kind: DeploymentList\napiVersion: apps/v1\nitems:\n- spec:\n    template:\n"
        "      spec:\n        containers: [{name: a, image: x, command: [q]}]\n"
    ),
    "kind: List\nitems: null\n",
    "kind: List\nitems: {}\n",
    "kind: List\nitems:\n- null\n- a\n",
    (
        "kind: List\nitems: &i\n"
        "- &p {kind: Pod, spec: {containers: [{name: a, image: x, command: [q]}]}}\n- *p\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args:\n    - |\n      a\n      b"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args:\n    - |2\n       a\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args:\n    - >\n      a\n\n\n      b\n\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: ['a\n\n      b']\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        '    args: ["a\\\n      b"]\n'
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: [a, b # c\n    ]\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: [ # c\n      a]\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args:\n    # c\n    - a\n    # d\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args:\n    - a\n# out\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: [a]   \n\n\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: [a]\n...\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: [a]\n...\n# c\n---\nkind: Pod\nspec:\n  containers:\n  - name: a\n"
        "    image: x\n    command: [a]\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "--- # x\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n"
        "    command: [a]\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "---\t\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n"
        "    command: [a]\n"
    ),
    ("kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n---a\n"),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "--- |\n text\n"
    ),
    (
        "%TAG ! tag:x,2000:\n---\nkind: Pod\nspec:\n  containers:\n  - name: a\n"
        "    image: x\n    command: [a]\n"
    ),
    ("%FOO\n---\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"),
    (
        "---\n%YAML 1.2\n---\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n"
        "    command: [a]\n"
    ),
    ("kind: Pod\r\nspec:\r\n  containers:\r\n  - name: a\r\n    image: x\r\n    command: [a]\r\n"),
    ("kind: Pod\r\nspec:\r\n  containers:\r\n  - name: a\r\n    image: x\r\n    command: [a]"),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [a]\n"
        "    args: [a]\r\n"
    ),
    ("kind: Pod\nspec:\n  containers:\n  -   name: a\n      image: x\n      command: [a]\n"),
    "kind: Pod\nspec: {containers: [{name: a, image: x, command: [q]}]}",
    "kind: Pod\nspec: {containers: [{name: a, image: x, command: [q]}],}\n",
    ("kind: Pod\nspec:\n  containers: [\n    {name: a, image: x,\n     command: [q]\n    }\n  ]\n"),
    ("kind: Pod\nspec:\n  containers: [{name: a, image: x, command: [q], <<: {tty: true}}]\n"),
    ("kind: Pod\nspec:\n  containers: [{name: a, image: x, command: [q], ? tty : true}]\n"),
    "kind: Pod\nspec:\n containers:\n -\n  name: a\n  image: x\n  command:\n  - q\n",
    "kind: Pod\nspec:\n  containers:\n  -\n    - name: a\n",
    "- kind: Pod\n",
    (
        "kind: Pod\nspec:\n  containers:\n    - name: a\n      image: x\n      command:\n"
        "        - q\n      env:\n        - name: A\n          value: |\n            x\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: # none\n"
        "    args: [b]\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: &x\n"
        "    - q\n    args: *x\n"
    ),
    ("kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: !!seq [q]\n"),
    ("kind: Pod\nspec:\n  containers:\n  - !!map\n    name: a\n    image: x\n    command: [q]\n"),
    "kind: Pod\nspec:\n  containers: !!set {a, b}\n",
    "kind: !!str Pod\nspec:\n  containers:\n  - {name: a, image: x, command: [q]}\n",
    (
        "kind: Pod\nspec:\n  containers:\n  - {name: a, image: x, command: [q]}\n"
        "  - \"name\": b\n    'image': x\n    \"command\": ['q']\n"
    ),
    (
        '"kind": "Pod"\n"spec":\n  "containers":\n  - "name": "a"\n    "image": "x"\n'
        '    "command": ["q"]\n'
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n"
        '    command: [\'a\'\'b\', "a\\"b", "\\u20ac", "\\N", "\\_"]\n'
    ),
    ('kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: ["a\\x00b"]\n'),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [q]\n"
        "    securityContext: {runAsUser: 0x10}\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [q]\n"
        "    resources: {limits: {cpu: 1, memory: 1_000}}\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [q]\n"
        "    resources: {limits: {cpu: 0.1, memory: 1e3}}\n"
    ),
    (
        "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [q]\n"
        "    resources: {limits: {cpu: .5, memory: 0o10}}\n"
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: a\n        image: x\n        command: [q]\n"
        "      # tail comment\n    # outer\n"
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n"
        "      containers:\n        - name: a\n          image: x\n          command: [q]\n"
        "      volumes:\n      - name: b\n        emptyDir: {}\n"
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: a\n        image: x\n        command: [q]\n"
        "        volumeMounts:\n        - name: b\n          mountPath: /b\n\n"
        "      initContainers:\n      - name: i\n        image: x\n"
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: a\n        image: x\n        command:\n"
        "        - q\n        volumeMounts: [] # none\n      volumes: [] # none\n"
        "      initContainers: []\n"
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: a\n        image: x\n        command:\n"
        "        - q\n        volumeMounts: [{name: b, mountPath: /b}]\n"
        "      volumes: [{name: b, emptyDir: {}}]\n"
        "      initContainers: [{name: i, image: x}]\n"
    ),
    "a: &a\n  b: *a\n",
    (
        "a: &a [1]\nb: [*a, *a]\nkind: Pod\nspec:\n  containers:\n  - name: a\n"
        "    image: x\n    command: [a]\n"
    ),
    "<<: {kind: Pod}\nspec:\n  containers:\n  - {name: a, image: x, command: [q]}\n",
    "kind: Pod\n<<: {spec: {containers: [{name: a, image: x, command: [q]}]}}\n",
    (
        "kind: Pod\nspec:\n  containers:\n  - {name: a, image: x, command: [q]}\nspec:\n"
        "  containers:\n  - {name: b, image: x, command: [q]}\n"
    ),
)
