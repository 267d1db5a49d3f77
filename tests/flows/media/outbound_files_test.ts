import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../../src/core/turn/media.ts";
import { RefusedCall } from "../../../src/core/turn/tool.ts";
import type { ToolContext } from "../../../src/core/turn/tool.ts";
import { fileForPeople, type FileSource } from "../../../src/flows/media/outbound_files.ts";
import { filesOf } from "../../../src/flows/media/files.ts";
import { sendFile } from "../../../src/tools/made_files.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { guildMessage, messageId, sender, userId } from "../../support/discord/builders.ts";
import { CHANNEL, GUILD, guildData } from "../../support/discord/payloads.ts";
import { png } from "../../support/files/samples.ts";
import { NO_TOOLS, toolContext } from "../../support/model/tools.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

const ME = guildMessage();
const file = (id: string, name: string) =>
  ({ id, name, size: 100, url: `https://cdn.discordapp.com/${id}` }) as unknown as Attachment;
const FILES = [file("1", "boat.png"), file("2", "safe.zip")];
const WITH_FILES = guildMessage({ attachments: FILES });

/** An account whose sources are named in its files. */
async function setUp(discord: object = {}, guild: Record<string, unknown> = {}) {
  const read: string[] = [];
  const workspace = {
    readBytes(path: string, maxBytes: number) {
      read.push(`workspace ${path} ${maxBytes}`);
      return Promise.resolve(bytesOf(`of ${path}`));
    },
  };
  const web = {
    file(url: string) {
      read.push(`web ${url}`);
      return Promise.resolve(
        url.endsWith("/200") ? { url, contentType: "image/jpeg", bytes: bytesOf("jpeg") } : {
          url: `${url}/tide%20table.pdf?x=1`,
          contentType: "application/pdf",
          bytes: bytesOf("%PDF-"),
        },
      );
    },
  };
  const services = { ...NO_TOOLS.of("main"), web, workspace } as never;
  const { account, receive } = await testAccount({ discord, toolServices: { of: () => services } });
  await receive("GUILD_CREATE", guildData(guild));
  const { keep } = account.bot.media.folder;
  for (const { id: fileId, name } of FILES) {
    const bytes = name === "boat.png" ? bytesOf("boat") : [255, 32, ...bytesOf("hunter2")];
    await keep({ messageId: ME.id, fileId }, "png", new Uint8Array(bytes));
  }
  const { id: image } = await filesOf(account).shown.keep(ME, png(1, 1, "IDAT"));
  const callOf = (context: Partial<ToolContext> = {}) =>
    toolContext({ account, mayUse: () => true, message: WITH_FILES, ...context });
  return {
    read,
    image,
    callOf,
    send: async (source: FileSource, context: Partial<ToolContext> = {}) => {
      const { id: _, bytes, ...file } = await fileForPeople(callOf(context), source);
      return { ...file, text: new TextDecoder().decode(bytes) };
    },
  };
}

const refusal = (reason: string, words: RegExp) => (error: unknown) =>
  error instanceof RefusedCall && error.reason === reason && words.test(error.message);

describe("[R12] fileForPeople()", () => {
  it("reads a path of the workspace, an address, an attachment and an image", async () => {
    const { send, image } = await setUp();
    const sources: readonly [from: string, name: string, text: RegExp][] = [
      ["notes/plan.md", "plan.md", /^of notes\/plan\.md$/],
      ["https://tides.example/a", "tide table.pdf", /^%PDF-$/],
      ["https://pictures.example/200", "200.jpeg", /^jpeg$/],
      ["attachment:boat.png", "boat.png", /^boat$/],
      ["attachment://boat.png", "boat.png", /^boat$/],
      [`image:${image}`, "image.png", /PNG/],
      [`image:${ME.id}-${image}`, "image.png", /PNG/],
      [`drawing-${image}`, "image.png", /PNG/],
    ];
    for (const [at, [from, name, text]] of sources.entries()) {
      const found = await send({ from }, { callKey: `1:${at}` });
      assert.equal(found.name, name);
      assert.match(found.text, text);
    }
  });

  it("gives a file another name and a description, and writes a new one", async () => {
    const { send, image } = await setUp();
    const file = await send({ from: `image:${image}`, name: "../tides.png", alt: "A chart" });
    assert.deepEqual([file.name, file.alt], [".._tides.png", "A chart"]);
    const csv = { text: "noon,3\n", name: "tides.csv" };
    assert.equal((await send(csv, { callKey: "1:2" })).text, csv.text);
  });

  it("[T2] reads the workspace and the web only for turns with the tools that read them", async () => {
    const { send, read } = await setUp();
    const mayUse = (tool: string) => tool === "send_file";
    const isClosed = refusal("closed_tool", /cannot be read in this conversation/);
    await assert.rejects(send({ from: "notes/plan.md" }, { mayUse }), isClosed);
    await assert.rejects(send({ from: "https://tides.example/a" }, { mayUse }), isClosed);
    await assert.rejects(send({ from: "notes/plan.md" }, { mayUse: undefined }), isClosed);
    assert.deepEqual(read, []);
    await send({ from: "attachment:boat.png" }, { mayUse, callKey: "1:3" });
  });

  it("[T4] reads attachments of the asker's messages only", async () => {
    const { send } = await setUp();
    const also = [
      guildMessage({
        id: messageId("2"),
        sender: sender({ id: userId("99") }),
        attachments: [file("9", "cat.png")],
      }),
      WITH_FILES,
    ];
    const message = guildMessage({ id: messageId("1") });
    const boat = await send({ from: "attachment:boat.png" }, { message, also });
    assert.equal(boat.text, "boat");
    const cat = send({ from: "attachment:cat.png" }, { message, also, callKey: "9" });
    await assert.rejects(cat, /no attachment/);
  });

  it("[SEC-R9] removes secrets from a text, and withholds another file that has one", async () => {
    const { send } = await setUp();
    const { text } = await send({ text: "key: hunter2", name: "hunter2.txt" });
    assert.equal(text, "key: [redacted]");
    await assert.rejects(
      send({ from: "attachment:safe.zip" }, { callKey: "1:2" }),
      refusal("policy", /safe\.zip/),
    );
  });

  it("[R12a] refuses a file before it is read, if the place takes none", async () => {
    const { send, read } = await setUp({}, {
      roles: [{ id: GUILD, name: "@everyone", permissions: "3072" }],
      members: [{ user: { id: SELF.userId, username: "barnacle" }, roles: [] }],
    });
    await assert.rejects(
      send({ from: "notes/plan.md" }, {
        message: guildMessage({ guildId: GUILD, channelId: CHANNEL }),
      }),
      refusal("bot_permission", /Attach Files/),
    );
    assert.deepEqual(read, []);
  });

  it("refuses a file that is too large for the place, or empty", async () => {
    const { send } = await setUp({ mediaMaxMb: 1 });
    await assert.rejects(
      send({ text: "x".repeat(1_100_000), name: "a.txt" }),
      refusal("policy", /a\.txt/),
    );
    await assert.rejects(send({ text: "", name: "a.txt" }), /empty/);
  });

  it("[SEC-R7] writes no file that loads or runs something when it is opened", async () => {
    const { send } = await setUp();
    const names = ["a.html", "A.HTM", "a.svg", "a.url", "a.bat", "a.txt.hta", "a.html. "];
    for (const name of names) {
      await assert.rejects(
        send({ text: "x", name }),
        refusal("policy", /would load addresses/),
        name,
      );
    }
  });

  it("[D1] gives a repeated call the same file, and each other call its own", async () => {
    const { send, read } = await setUp();
    await send({ from: "notes/plan.md" }, { callKey: "1:a" });
    assert.equal((await send({ from: "gone.md" }, { callKey: "1:a" })).name, "plan.md");
    await send({ from: "notes/plan.md" }, { callKey: "1:b" });
    assert.equal(read.length, 2);
  });

  it("sends ten files in a turn, and no more", async () => {
    const { send } = await setUp();
    for (let at = 0; at < 10; at++) await send({ from: "a.md" }, { callKey: `1:${at}` });
    await assert.rejects(
      send({ from: "a.md" }, { callKey: "1:10" }),
      refusal("too_many_calls", /10/),
    );
  });

  it("says why a file cannot be read", async () => {
    const { send, image } = await setUp();
    const big = guildMessage({ attachments: [{ ...file("8", "a.png"), size: 99_000_000 }] });
    await assert.rejects(
      send({ from: "attachment:a.png" }, { message: big }),
      /the file cannot be read: 99 MB, and the limit is/,
    );
    await assert.rejects(send({ from: "image:8" }), /no image 8/);
    await assert.rejects(send({ from: `image:5-${image}` }), /no image \d+ of this person's turns/);
    const other = guildMessage({ sender: sender({ id: userId("99") }) });
    const byOther = send({ from: `image:${image}` }, { message: other });
    await assert.rejects(byOther, /no image \d+ of this person/);
  });
});

describe("[R12] send_file", () => {
  it("needs a file or a text with a name", async () => {
    const { callOf } = await setUp();
    const run = (written: object) => sendFile.run(sendFile.input.parse(written), callOf());
    await assert.rejects(run({}), /give `file` or `text`/);
    await assert.rejects(run({ file: "a", text: "b", name: "c" }), /give `file` or `text`/);
    await assert.rejects(run({ text: "b" }), /`name`/);
    assert.match(
      await run({ text: "b", name: "c.txt" }),
      /^Attached file-\d+: "c\.txt", 1 bytes\. It goes with your reply\.$/,
    );
  });
});
