import assert from "node:assert/strict";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { bareAccount } from "../../support/account.ts";
import { describe, it } from "node:test";
import type { OutboundFile } from "../../../src/core/outbound/outbound.ts";
import { RefusedCall } from "../../../src/core/refused_call.ts";
import { FileError } from "../../../src/core/turn/media.ts";
import type { ToolContext } from "../../../src/core/turn/tool.ts";
import { fileForPeople, type FileSource } from "../../../src/flows/media/outbound_files.ts";
import { sendFile } from "../../../src/tools/made_files.ts";
import { guildMessage, messageId, sender, userId } from "../../support/discord/builders.ts";
import { cleanSecrets, toolContext } from "../../support/model/tools.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A port whose sources are named in its results. */
function setUp(fields: { readonly takesNoFiles?: true; readonly maxFileBytes?: number } = {}) {
  const disk = new Map<string, OutboundFile>();
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
  const media = {
    isMediaUrl: (url: string) => url.startsWith("https://cdn.discordapp.com/"),
    download(url: string) {
      read.push(`discord ${url}`);
      if (url.endsWith("gone.png")) {
        return Promise.reject(new FileError("Discord has it no longer"));
      }
      return Promise.resolve(bytesOf("picture"));
    },
    find(messages: readonly InboundMessage[], name: string) {
      read.push(`attachment ${messages.map(({ id }) => id).join(" ")} ${name}`);
      if (name === "safe.zip") return Promise.resolve(new Uint8Array([255, ...bytesOf("hunter2")]));
      return Promise.resolve(name === "boat.png" ? bytesOf("boat") : undefined);
    },
    image: (turn: string, id: string, asker: string) =>
      Promise.resolve(
        id === "7" && asker === guildMessage().sender.id && turn !== "5"
          ? { name: "image.png", bytes: bytesOf("chart") }
          : undefined,
      ),
    sent: {
      keep: (_message: unknown, id: string, file: OutboundFile) =>
        Promise.resolve(void disk.set(id, file)),
      read: (_message: unknown, id: string) => Promise.resolve(disk.get(id)),
      ids: () => Promise.resolve([...disk.keys()]),
    },
  };
  const { takesNoFiles, maxFileBytes = 1_000 } = fields;
  const takesFiles = () => !takesNoFiles;
  const account = bareAccount({
    config: () => ({ discord: { mediaMaxBytes: 9_999 }, messages: {} }) as never,
    bot: { toolServices: { of: () => ({ web, workspace }) } } as never,
    parts: {
      media,
      sources: { cleanSecrets, takesFiles, uploadLimit: () => maxFileBytes },
    } as never,
  });
  const callOf = (context: Partial<ToolContext> = {}) =>
    toolContext({ account, mayUse: () => true, ...context });
  return {
    read,
    disk,
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
  it("reads a path of the workspace, an address, a file on Discord, an attachment and an image", async () => {
    const sources: readonly [from: string, name: string, text: string][] = [
      ["notes/plan.md", "plan.md", "of notes/plan.md"],
      ["https://tides.example/a", "tide table.pdf", "%PDF-"],
      ["https://pictures.example/200", "200.jpeg", "jpeg"],
      ["https://cdn.discordapp.com/a/krill.png?ex=1", "krill.png", "picture"],
      ["attachment:boat.png", "boat.png", "boat"],
      ["attachment://boat.png", "boat.png", "boat"],
      ["image:7", "image.png", "chart"],
      ["image:1390000000000000001-7", "image.png", "chart"],
      ["drawing-7", "image.png", "chart"],
    ];
    for (const [from, name, text] of sources) {
      const { send } = setUp();
      const found = await send({ from });
      assert.deepEqual([found.name, found.text], [name, text], from);
    }
  });

  it("gives a file another name and a description, and writes a new one", async () => {
    const { send, disk } = setUp();
    const file = await send({ from: "image:7", name: "../tides.png", alt: "A chart" });
    assert.deepEqual([file.name, file.alt], [".._tides.png", "A chart"]);
    const csv = { text: "noon,3\n", name: "tides.csv" };
    assert.equal((await send(csv, { callKey: "1:2" })).text, csv.text);
    assert.equal(disk.size, 2);
  });

  it("[T2] reads the workspace and the web only for turns with the tools that read them", async () => {
    const { send, read } = setUp();
    const mayUse = (tool: string) => tool === "send_file";
    const isClosed = refusal("closed_tool", /cannot be read in this conversation/);
    await assert.rejects(send({ from: "notes/plan.md" }, { mayUse }), isClosed);
    await assert.rejects(send({ from: "https://tides.example/a" }, { mayUse }), isClosed);
    await assert.rejects(send({ from: "notes/plan.md" }, { mayUse: undefined }), isClosed);
    assert.deepEqual(read, []);
    await send({ from: "https://cdn.discordapp.com/a/krill.png" }, { mayUse });
    await send({ from: "attachment:boat.png" }, { mayUse, callKey: "1:3" });
  });

  it("[T4] reads attachments of the asker's messages only", async () => {
    const { send, read } = setUp();
    const message = guildMessage({ id: messageId("1") });
    const also = [
      guildMessage({ id: messageId("2"), sender: sender({ id: userId("99") }) }),
      guildMessage({ id: messageId("3") }),
    ];
    await send({ from: "attachment:boat.png" }, { message, also });
    assert.deepEqual(read, ["attachment 1 3 boat.png"]);
    await assert.rejects(send({ from: "attachment:cat.png" }, { callKey: "9" }), /no attachment/);
  });

  it("[SEC-R9] removes secrets from a text, and withholds another file that has one", async () => {
    const { send } = setUp();
    const { text } = await send({ text: "key: hunter2", name: "hunter2.txt" });
    assert.equal(text, "key: [redacted]");
    await assert.rejects(
      send({ from: "attachment:safe.zip" }, { callKey: "1:2" }),
      refusal("policy", /safe\.zip/),
    );
  });

  it("[R12a] refuses a file before it is read, if the place takes none", async () => {
    const { send, read } = setUp({ takesNoFiles: true });
    await assert.rejects(
      send({ from: "notes/plan.md" }),
      refusal("bot_permission", /Attach Files/),
    );
    assert.deepEqual(read, []);
  });

  it("refuses a file that is too large for the place, or empty", async () => {
    const { send } = setUp({ maxFileBytes: 8 });
    await assert.rejects(send({ text: "123456789", name: "a.txt" }), refusal("policy", /a\.txt/));
    await assert.rejects(send({ text: "", name: "a.txt" }), /empty/);
  });

  it("[SEC-R7] writes no file that loads or runs something when it is opened", async () => {
    const { send } = setUp();
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
    const { send, read } = setUp();
    await send({ from: "notes/plan.md" }, { callKey: "1:a" });
    assert.equal((await send({ from: "gone.md" }, { callKey: "1:a" })).name, "plan.md");
    await send({ from: "notes/plan.md" }, { callKey: "1:b" });
    assert.equal(read.length, 2);
  });

  it("sends ten files in a turn, and no more", async () => {
    const { send } = setUp();
    for (let at = 0; at < 10; at++) await send({ from: "a.md" }, { callKey: `1:${at}` });
    await assert.rejects(
      send({ from: "a.md" }, { callKey: "1:10" }),
      refusal("too_many_calls", /10/),
    );
  });

  it("says why a file cannot be read", async () => {
    const { send } = setUp();
    await assert.rejects(
      send({ from: "https://cdn.discordapp.com/a/gone.png" }),
      /the file cannot be read: Discord has it no longer/,
    );
    await assert.rejects(send({ from: "image:8" }), /no image 8/);
    await assert.rejects(send({ from: "image:5-7" }), /no image 7 of this person's turns/);
  });
});

describe("[R12] send_file", () => {
  it("needs a file or a text with a name", async () => {
    const { callOf } = setUp();
    const run = (written: object) =>
      sendFile.run(
        sendFile.input.parse(written),
        callOf(),
      );
    await assert.rejects(run({}), /give `file` or `text`/);
    await assert.rejects(run({ file: "a", text: "b", name: "c" }), /give `file` or `text`/);
    await assert.rejects(run({ text: "b" }), /`name`/);
    assert.match(
      await run({ text: "b", name: "c.txt" }),
      /^Attached file-\d+: "c\.txt", 1 bytes\. It goes with your reply\.$/,
    );
  });
});
