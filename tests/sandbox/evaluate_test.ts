import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CodeEnd, evaluate } from "../../src/sandbox/evaluate.ts";

/** More than any script takes that ends, however busy the machine is. */
const ENOUGH_MS = 60_000;
/** The time of scripts without an end, which work until then. */
const SHORT_MS = 100;
const TOO_LONG = "it ran longer than 0.1 s";

function run(
  source: string,
  files: Readonly<Record<string, string>> = {},
  timeoutMs = ENOUGH_MS,
): Promise<CodeEnd> {
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
