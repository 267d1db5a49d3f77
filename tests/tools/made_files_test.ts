import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../src/core/turn/media.ts";
import type { Drawing } from "../../src/flows/tools/made_files.ts";
import { evaluate } from "../../src/sandbox/evaluate.ts";
import { code } from "../../src/tools/made_files.ts";
import { draw as drawTool } from "../../src/tools/made_files.ts";
import { FileError } from "../../src/core/turn/media.ts";
import type { ToolContext } from "../../src/core/turn/tool.ts";
import { guildMessage, messageId, sender, userId } from "../support/discord/builders.ts";
import { type Given, testAccount } from "../support/bot/test_account.ts";
import { type Bytes, png } from "../support/files/samples.ts";
import { toolContext } from "../support/model/tools.ts";

const FILES: Readonly<Record<string, Bytes>> = {
  "tides.csv": new Uint8Array(new TextEncoder().encode("noon,3\nmidnight,4")),
  "boat.png": png(1, 1),
  "long.txt": new Uint8Array(6_000_000).fill(97),
};

/** A message of the owner with all files, and one that is larger than the limit. */
const attachments = [...Object.keys(FILES), "big.csv"].map((name, at) =>
  ({ id: `${at + 1}`, name, url: "https://x.test", size: at === 3 ? 99_000_000 : 6_000_000 }) as
    & unknown
    & Attachment
);
const MESSAGE = guildMessage({ attachments });

async function build(given: Given = {}) {
  const made = await testAccount({ ...given, toolServices: { runCode: (job) => evaluate(job) } });
  for (const { id: fileId, name } of attachments) {
    const bytes = FILES[name] ?? new Uint8Array();
    await made.account.bot.media.folder.keep({ messageId: MESSAGE.id, fileId }, "txt", bytes);
  }
  return made;
}

async function run(written: object, fields: Partial<ToolContext> = {}): Promise<string> {
  const { account } = await build();
  const context = toolContext({ account, message: MESSAGE, ...fields });
  return await code.run(code.input.parse(written), context);
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
      /^Error: cannot read the file "big.csv": 99 MB, and the limit is 8 MB$/,
    );
  });

  it("[T4] reads attachments of the asker's messages, and not those of others in the turn", async () => {
    const message = guildMessage({ id: messageId("1") });
    const other = guildMessage({ ...MESSAGE, sender: sender({ id: userId("99") }) });
    const call = { source: 'files["tides.csv"].length', files: ["tides.csv"] };
    assert.equal(await run(call, { message, also: [MESSAGE] }), "Result: 17");
    await assert.rejects(run(call, { message, also: [other] }), /has no attachment/);
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
    const draw = () => Promise.resolve({ bytes: png(1, 1), usage });
    const budgets = { total: { tokensPerDay: 3 } };
    const { drawn, charges } = await paint(draw, { budgets });
    assert.match(await drawn("a barnacle"), /drawing-\d+/);
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
