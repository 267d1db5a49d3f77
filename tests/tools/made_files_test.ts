import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../src/core/inbound/inbound.ts";
import type { Drawing } from "../../src/flows/tools/made_files.ts";
import { evaluate } from "../../src/sandbox/evaluate.ts";
import { code, draw as drawTool } from "../../src/tools/made_files.ts";
import { FileError } from "../../src/core/turn/media.ts";
import type { ToolContext } from "../../src/core/turn/tool.ts";
import { guildMessage, messageId, sender, userId } from "../support/discord/builders.ts";
import { type Given, testAccount } from "../support/bot/test_account.ts";
import { toolContext } from "../support/model/tools.ts";

const FILES: Readonly<Record<string, Uint8Array>> = {
  "tides.csv": new TextEncoder().encode("noon,3\nmidnight,4"),
  "boat.png": new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]),
  "long.txt": new Uint8Array(6_000_000),
};

function find(messages: readonly InboundMessage[], name: string) {
  if (name === "big.csv") return Promise.reject(new FileError("larger than 8 MB"));
  if (name !== "ids") return Promise.resolve(FILES[name]);
  return Promise.resolve(new TextEncoder().encode(messages.map(({ id }) => id).join(" ")));
}

async function build(given: Given = {}) {
  const made = await testAccount({ ...given, toolServices: { runCode: (job) => evaluate(job) } });
  Object.assign(made.account.parts.media, {
    find,
    drawings: { keep: () => Promise.resolve("17") },
  });
  return made;
}

async function run(written: object, fields: Partial<ToolContext> = {}): Promise<string> {
  const { account } = await build();
  return await code.run(code.input.parse(written), toolContext({ account, ...fields }));
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
    await assert.rejects(
      run({ source, files: ["big.csv"] }),
      /^Error: cannot read the file "big.csv": larger than 8 MB$/,
    );
  });

  it("[T4] reads attachments of the asker's messages, and not those of others in the turn", async () => {
    const message = guildMessage({ id: messageId("1") });
    const also = [
      guildMessage({ id: messageId("2"), sender: sender({ id: userId("99") }) }),
      guildMessage({ id: messageId("3") }),
    ];
    const ids = await run({ source: 'files["ids"]', files: ["ids"] }, { message, also });
    assert.equal(ids, "Result: 1 3");
  });

  it("tells why a script failed, and what it wrote before", async () => {
    await assert.rejects(
      run({ source: "console.log('a'); null.x" }),
      {
        message: "TypeError: cannot read property 'x' of null (script.js:1:23)\nOutput before:\na",
      },
    );
  });
});

describe("[T6] draw", () => {
  const usage = { inputTokens: 1, outputTokens: 2, micros: 3 };

  async function paint(draw: Drawing["draw"], beside: object = {}) {
    const { account, rows, quiet } = await build({ beside });
    account.settings.drawing = { modelId: "studio/brush", draw };
    const drawn = (text: string) => drawTool.run({ prompt: text }, toolContext({ account }));
    const charges = async () => {
      await quiet();
      return rows("SELECT kind, model, micros FROM usage").map((row) => Object.values(row));
    };
    return { drawn, charges };
  }

  it("counts an image, and returns its id; [X4] asks no server once a budget is spent", async () => {
    const draw = () => Promise.resolve({ bytes: new Uint8Array(1), usage });
    const budgets = { total: { tokensPerDay: 3 } };
    const { drawn, charges } = await paint(draw, { budgets });
    assert.match(await drawn("a barnacle"), /drawing-17/);
    assert.deepEqual(await charges(), [["image", "studio/brush", 3]]);
    await assert.rejects(drawn("another"), /today's budget is used up/);
    assert.equal((await charges()).length, 1);
  });

  it("tells the model why there is no image", async () => {
    const { drawn, charges } = await paint(() => Promise.reject(new FileError("it refused")));
    await assert.rejects(drawn("a barnacle"), /^Error: no image: it refused$/);
    assert.deepEqual(await charges(), []);
  });
});
