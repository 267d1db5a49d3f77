import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCodePort } from "../../../src/bot/turn/code_port.ts";
import { evaluate } from "../../../src/sandbox/evaluate.ts";
import { code } from "../../../src/tools/code/code.ts";
import { toolContext, UNUSED_PORTS } from "../../support/model/tools.ts";

const FILES: Readonly<Record<string, Uint8Array>> = {
  "tides.csv": new TextEncoder().encode("noon,3\nmidnight,4"),
  "boat.png": new Uint8Array([0xff, 0xd8, 0xff]),
  "long.txt": new Uint8Array(6_000_000),
};

const port = createCodePort({
  runCode: (job) => evaluate(job),
  readFile: (_message, name) => Promise.resolve(FILES[name]),
});

async function run(written: object): Promise<string> {
  const ports = { ...UNUSED_PORTS, code: port };
  return await code.run(code.input.parse(written), toolContext({ ports }));
}

describe("[T6] code", () => {
  it("returns the result and the lines of a script", async () => {
    assert.equal(await run({ source: "6 * 7" }), "Result: 42");
    assert.equal(await run({ source: "console.log('a'); 1" }), "Output:\na\n\nResult: 1");
    assert.equal(await run({ source: "console.log('a')" }), "Output:\na");
    assert.match(await run({ source: "void 0" }), /without output and without a result/);
  });

  it("reads attachments of the message, and no others", async () => {
    const source = 'files["tides.csv"].split("\\n").length';
    assert.equal(await run({ source, files: ["tides.csv"] }), "Result: 2");
    await assert.rejects(
      run({ source, files: ["/etc/passwd"] }),
      /has no attachment "\/etc\/passwd"/,
    );
    await assert.rejects(run({ source, files: ["boat.png"] }), /"boat.png" is no text/);
    await assert.rejects(run({ source, files: ["long.txt"] }), /larger than 5 MB/);
    await assert.rejects(run({ source }), /TypeError/);
  });

  it("tells why a script failed, and what it wrote before", async () => {
    await assert.rejects(
      run({ source: "console.log('a'); null.x" }),
      { message: "TypeError: cannot read property 'x' of null (line 1)\nOutput before:\na" },
    );
  });
});
