import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ScriptEnd } from "../../src/core/skills/skill.ts";
import { evaluate } from "../../src/sandbox/evaluate.ts";

/** More than any script takes that ends, however busy the machine is. */
const ENOUGH_MS = 60_000;
/** The time of scripts without an end, which work until then. */
const SHORT_MS = 100;
const UNREADABLE = "its error cannot be read";
const TOO_LONG = "it ran longer than 0.1 s";

function run(
  source: string,
  files: Readonly<Record<string, string>> = {},
  timeoutMs = ENOUGH_MS,
): Promise<ScriptEnd> {
  return evaluate({ source, files, timeoutMs });
}

describe("[T6] evaluate()", () => {
  const values: readonly [source: string, value: string][] = [
    ["1 + 1", "2"],
    ["0.1 + 0.2", "0.30000000000000004"],
    ["2n ** 64n", "18446744073709551616"],
    ["'text'", "text"],
    ["({ a: [1, 2n, NaN] })", '{\n "a": [\n  1,\n  "2n",\n  "NaN"\n ]\n}'],
    ["new Map([[1, 2]])", "[\n [\n  1,\n  2\n ]\n]"],
    ["new Error('x')", "Error: x"],
    ["let a = {}; a.a = a; a", "TypeError: circular reference"],
    ["undefined", "undefined"],
    ["null", "null"],
    ["(async () => { await null; return 7; })()", "7"],
    ["Promise.resolve(8)", "8"],
    ["typeof Date.now() + typeof Math.random()", "numbernumber"],
    ["new Date(0).toISOString()", "1970-01-01T00:00:00.000Z"],
    ["[3, 1, 2].toSorted().join()", "1,2,3"],
    [
      "files['a.csv'].split('\\n').map((row) => Number(row.split(',')[1])).reduce((x, y) => x + y)",
      "5",
    ],
  ];
  for (const [source, value] of values) {
    it(`${source} is ${value.replace(/\s+/g, " ")}`, async () => {
      assert.equal((await run(source, { "a.csv": "x,2\ny,3" })).value, value);
    });
  }

  it("keeps the lines of console, up to a bound", async () => {
    const { output, value } = await run("console.log('a', 1, { b: 2n }); console.error('c'); 4");
    assert.equal(output, 'a 1 {\n "b": "2n"\n}\nc');
    assert.equal(value, "4");
    const long = await run("for (let at = 0; at < 1e4; at++) console.log('x'.repeat(100));");
    assert.ok(long.output.length <= 20_000);
    assert.equal((await run("'x'.repeat(1e6)")).value?.length, 20_000);
  });

  const failures: readonly [source: string, failure: string][] = [
    ["for (;;);", TOO_LONG],
    ["try { for (;;); } finally { for (;;); }", TOO_LONG],
    ["while (true) try { (function f() { f(); })(); } catch {}", TOO_LONG],
    ["/(a+)+$/.test('a'.repeat(40) + 'b')", TOO_LONG],
    ["(async () => { for (;;) await 0; })()", TOO_LONG],
    ["const f = () => Promise.resolve().then(f); f()", TOO_LONG],
    ["({ toJSON() { for (;;); } })", TOO_LONG],
    ["'a'.repeat(2 ** 29)", "it used more than 64 MB"],
    ["new ArrayBuffer(1e9)", "it used more than 64 MB"],
    ["throw new InternalError('interrupted')", "InternalError: interrupted (script.js:1:24)"],
    ["throw new InternalError('out of memory')", "InternalError: out of memory (script.js:1:24)"],
    ["throw 1n", UNREADABLE],
    ["throw Object.assign(new Error('x'), { name: { toString: 1, valueOf: 1 } })", UNREADABLE],
    ["throw Object.assign(new Error('x'), { stack: { toString: 1, valueOf: 1 } })", UNREADABLE],
    ["throw { get message() { throw 1; } }", 'it threw "[object Object]"'],
    ["throw Symbol('x')", "it threw undefined"],
    ["throw new Proxy({}, { get() { throw 1; } })", 'it threw ""'],
    ["(function f() { f(); })()", "stack overflow"],
    ["JSON.parse('['.repeat(1e6))", "stack overflow"],
    ["new Promise(() => {})", "its promise never settles: there are no timers here"],
    ["Promise.reject(new TypeError('no'))", "TypeError: no (script.js:1:29)"],
    ["throw { a: 1 }", 'it threw {"a":1}'],
    ["1\n\nnull.x", "TypeError: cannot read property 'x' of null (script.js:3:5)"],
    ["let = =", "SyntaxError: unexpected token in expression: '=' (script.js:1:7)"],
  ];
  for (const [source, failure] of failures) {
    it(`${source} fails: ${failure}`, async () => {
      const timeoutMs = failure === TOO_LONG ? SHORT_MS : ENOUGH_MS;
      assert.deepEqual(await run(source, {}, timeoutMs), { output: "", failure });
    });
  }

  const bombs: Readonly<Record<string, string>> = {
    arrays: "const a = []; for (;;) a.push([1]);",
    strings: "const a = []; for (let i = 0;; i++) a.push('x'.repeat(50) + i);",
    "typed arrays": "const a = []; for (;;) a.push(new Uint8Array(16));",
    "large typed arrays": "const a = []; for (;;) a.push(new Uint8Array(1 << 16));",
    recursion:
      "const f = (n) => [n, n ? f(n - 1) : 0, () => n]; const a = []; for (;;) a.push(f(50));",
    maps: "const m = new Map(), s = new Set(); for (let i = 0;; i++) { m.set(i, {}); s.add([i]); }",
    json: "const a = []; for (;;) a.push(JSON.parse('[' + '[],'.repeat(1000) + '1]'));",
    expressions: "const a = []; for (let i = 0;; i++) a.push(new RegExp('(a' + i + '){1,200}'));",
    promises: "const a = []; for (;;) a.push(Promise.resolve([]).then(() => [1]));",
    getters: "const a = []; for (let i = 0;; i++) a.push({ get x() { return i; }, ['k' + i]: 1 });",
    bigints: "const a = []; for (let n = 1n;; n = n * 3n % 2n ** 2000n) a.push(n);",
    "caught errors": "const a = []; for (;;) try { for (;;) a.push([1]); } catch { throw 'mine'; }",
  };
  for (const [name, source] of Object.entries(bombs)) {
    it(`ends a bomb of ${name} at its memory`, async () => {
      assert.deepEqual(await run(source), { output: "", failure: "it used more than 64 MB" });
    });
  }

  it("works on after an allocation that was too large", async () => {
    const { value } = await run("try { new ArrayBuffer(1e9); } catch {} [1, 2].map(String).join()");
    assert.equal(value, "1,2");
  });

  it("reads files of 5 MB", async () => {
    const csv = "2026-11-30,12.5,Kiel\n".repeat(240_000);
    const source =
      "files.a.split('\\n').map((row) => row.split(',')[1]).reduce((x, y) => x + +(y ?? 0), 0)";
    assert.equal((await run(source, { a: csv })).value, "3000000");
  });

  it("fails with the lines before the failure", async () => {
    assert.deepEqual(await run("console.log('before'); null.x"), {
      output: "before",
      failure: "TypeError: cannot read property 'x' of null (script.js:1:28)",
    });
  });
});

describe("[T6] a script", () => {
  const absent = [
    "process",
    "require",
    "Deno",
    "Bun",
    "fetch",
    "XMLHttpRequest",
    "WebSocket",
    "setTimeout",
    "postMessage",
    "std",
    "os",
    "scriptArgs",
    "WebAssembly",
    "SharedArrayBuffer.prototype.host",
  ];
  for (const name of absent) {
    it(`has no ${name}, not even from a constructor`, async () => {
      const reach = `[].constructor.constructor("return typeof ${name}")()`;
      assert.equal((await run(reach)).value, "undefined");
      const throughLog = `console.log.constructor("return typeof ${name}")()`;
      assert.equal((await run(throughLog)).value, "undefined");
    });
  }

  it("imports nothing", async () => {
    const ends = await Promise.all(["fs", "node:fs", "./evaluate.ts", "https://a.test/x.js"].map(
      (name) => run(`import(${JSON.stringify(name)}).then(() => "in", () => "out")`),
    ));
    for (const { value, failure } of ends) assert.notEqual(value, "in", failure);
  });

  it("keeps nothing between scripts", async () => {
    await run("globalThis.kept = 1; Object.prototype.kept = 2; Array.prototype.map = null");
    assert.equal(
      (await run("typeof kept + typeof ({}).kept + typeof [].map")).value,
      "undefinedundefinedfunction",
    );
  });

  it("is not changed by scripts that replace its own functions", async () => {
    const { value, output } = await run(
      "JSON.stringify = String = () => { throw 1 }; Array.prototype.map = () => ['x'];" +
        "Object.defineProperty(Object.prototype, 'toJSON', { get() { throw 2 } }); 1",
    );
    assert.equal(value ?? output, "1");
  });
});
