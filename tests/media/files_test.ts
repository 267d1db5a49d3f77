import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Attachment } from "../../src/core/turn/media.ts";
import { FileError, type FoundFile } from "../../src/core/turn/media.ts";
import { startProcessMedia } from "../../src/bot/process_media.ts";
import type { Bot } from "../../src/account/account.ts";
import { createPlaces } from "../../src/lib/places.ts";
import { createMediaFolder } from "../../src/media/folder.ts";
import { imageProblem } from "../../src/media/image.ts";
import { createMedia, kindOf } from "../../src/media/media.ts";
import { ownerOf } from "../../src/flows/media/files.ts";
import {
  guildMessage,
  messageId,
  messageIdAt,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { type Bytes, docx, pdf, png, wav } from "../support/files/samples.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { parseSnowflake } from "../../src/core/discord/ids.ts";

const NEVER = new AbortController().signal;
const OWNER = { messageId: messageId("1400000000000000001"), authorId: userId("42") };
const fileId = (digits: string) =>
  parseSnowflake<"attachment">(digits) ?? assert.fail("no snowflake");

const attachment = (fields: Partial<Attachment> = {}): Attachment => ({
  id: fileId("77"),
  name: "../../etc/passwd\0.png",
  url: "https://cdn.discordapp.com/a",
  size: 5,
  ...fields,
});

const bytesOf = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));

/** A GIF with this many frames of one pixel. */
function gif(frames: number): Bytes {
  const head = [...bytesOf("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  const frame = [0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
  return new Uint8Array([...head, ...Array.from({ length: frames }, () => frame).flat(), 0x3b]);
}

const kinds: readonly [title: string, bytes: Bytes, kind: string][] = [
  ["a PNG", png(1, 1), "image"],
  ["a PDF", pdf(["a"]), "pdf"],
  ["an office file", docx(["a"]), "archive"],
  ["a WAV file", wav(1), "audio"],
  ["an mp3 with a long tag", new Uint8Array([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 0]), "audio"],
  ["source code", bytesOf("const tide = 'low';\n"), "text"],
  ["JSON", bytesOf('{"tide":"low"}'), "text"],
  ["XML", bytesOf('<?xml version="1.0"?><tide/>'), "text"],
  ["an SVG picture", bytesOf('<svg xmlns="http://www.w3.org/2000/svg"/>'), "text"],
  [
    "a table in Windows-1252",
    new Uint8Array([...bytesOf("Stra"), 0xdf, ...bytesOf("e;1")]),
    "text",
  ],
  ["a program", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0]), "other"],
  ["control characters alone", new Uint8Array(8_000_000).fill(1), "other"],
  ["noise", new Uint8Array([1, 2, 3, 0, 255, 254, 7, 0]), "other"],
  ["nothing", new Uint8Array(), "empty"],
];
for (const [title, bytes, kind] of kinds) {
  it(`[H7] kindOf() › knows ${title} by its content`, async () =>
    assert.equal((await kindOf(bytes)).kind, kind));
}

/** Bytes of a text in another encoding, which no encoder of the platform writes. */
function encoded(label: string, text: string): Bytes {
  const decoder = new TextDecoder(label);
  const bytesOf = new Map<string, readonly number[]>();
  const add = (...bytes: readonly number[]) => {
    const character = decoder.decode(new Uint8Array(bytes));
    if (!bytesOf.has(character)) bytesOf.set(character, bytes);
  };
  for (let byte = 0; byte < 256; byte += 1) add(byte);
  if (label.startsWith("utf")) {
    for (let lead = 0; lead < 0xff; lead += 1) {
      for (let trail = 0; trail < 0xff; trail += 1) add(lead, trail);
    }
  }
  return new Uint8Array([...text].flatMap((one) => bytesOf.get(one) ?? assert.fail(one)));
}

describe("[H8] kindOf() decodes", () => {
  const texts: readonly (readonly [encoding: string, text: string])[] = [
    ["windows-1252", "Größe überschritten: Datei für Übertragung nicht möglich\n"],
    ["utf-16le", "Ошибка: the file\n"],
    ["utf-16be", "設定 file\n"],
    ["windows-1252", "Größe;Straße\nMüller;Köln 5 €\n"],
    ["windows-1252", "café"],
    ["windows-1252", "ÜÄ"],
    ["windows-1252", "§ 5 Abs. 2 ÖÄ"],
    ["windows-1252", "ÀÉÈ"],
    ["windows-1252", "déjà vu – a “quoted” word – it’s 5 µm"],
  ];
  for (const [encoding, text] of texts) {
    it(`${encoding}: ${JSON.stringify(text)}`, async () => {
      assert.deepEqual(await kindOf(encoded(encoding, text)), { kind: "text", text });
    });
  }

  const log = bytesOf("Ошибка: файл не найден\n".repeat(3));
  const broken: readonly (readonly [title: string, bytes: Bytes, start: string])[] = [
    ["UTF-8 without the first byte", log.slice(1), "\ufffdшибка: файл"],
    ["UTF-8 without the last bytes", log.slice(0, -2), "Ошибка: файл"],
    ["UTF-8 with a wrong byte within", log.with(14, 0xff), "Ошибка: \ufffd\ufffdайл"],
    [
      "UTF-8 with as many wrong bytes as letters beyond ASCII",
      new Uint8Array([...bytesOf("café "), 0xff]),
      "café \ufffd",
    ],
    ["UTF-8 with a character that stands for a wrong one", bytesOf("a \ufffd"), "a \ufffd"],
    ["a log with one NUL", bytesOf("a log\0\nmore\n"), "a log\ufffd\nmore\n"],
  ];
  for (const [title, bytes, start] of broken) {
    it(title, async () => {
      const kind = await kindOf(bytes);
      assert.equal(kind.kind === "text" && kind.text.slice(0, start.length), start);
    });
  }
});

describe("[H7] [SEC-R25] imageProblem()", () => {
  it("passes an ordinary image", async () => {
    assert.equal(await imageProblem(png(640, 480), "image/png"), undefined);
    assert.equal(await imageProblem(gif(1), "image/gif"), undefined);
  });

  const wrong: readonly [bytes: Bytes, type: Parameters<typeof imageProblem>[1], why: RegExp][] = [
    [png(65_535, 65_535), "image/png", /4295 megapixels, and the limit is 50/],
    [png(4, 4, "acTL"), "image/png", /animated/],
    [gif(3), "image/gif", /animated/],
    [bytesOf("\x89PNG nothing"), "image/png", /damaged/],
  ];
  for (const [bytes, type, why] of wrong) {
    it(`refuses ${type} of ${bytes.length} bytes: ${why.source}`, async () =>
      assert.match(await imageProblem(bytes, type) ?? "", why));
  }
});

describe("[H7] createMediaFolder()", () => {
  it("[SEC-R24] keeps files privately by ids, and never follows a link", async () => {
    using directory = tempDirectory();
    const root = join(directory.path, "media");
    const folder = createMediaFolder(root);
    await folder.keep({ ...OWNER, fileId: fileId("77") }, "txt", bytesOf("tide"));
    assert.deepEqual(readdirSync(join(root, OWNER.messageId)), ["42-77.txt"]);
    const [kept] = await folder.list(OWNER.messageId);
    assert.ok(kept);
    assert.deepEqual(await folder.read(kept, 4), bytesOf("tide"));
    assert.equal(await folder.read(kept, 3), undefined);

    writeFileSync(join(directory.path, "secret"), "secret");
    symlinkSync(join(directory.path, "secret"), join(root, OWNER.messageId, "42-78.txt"));
    const link = (await folder.list(OWNER.messageId)).find(({ fileId: id }) => id === "78");
    assert.ok(link);
    assert.equal(await folder.read(link, 100), undefined);
    await assert.rejects(folder.keep({ ...OWNER, fileId: fileId("1") }, "../x", bytesOf("a")));
  });

  it("[X6] deletes the files of old messages, and [X5] those of an author, also forwarded", async () => {
    using directory = tempDirectory();
    const folder = createMediaFolder(directory.path);
    const now = Date.UTC(2026, 5, 1);
    const old = messageIdAt(now - 8 * 86_400_000);
    const young = messageIdAt(now - 6 * 86_400_000);
    for (const id of [old, young]) {
      await folder.keep(
        { messageId: id, authorId: userId("42"), fileId: fileId("1") },
        "txt",
        bytesOf("a"),
      );
      await folder.keep(
        { messageId: id, authorId: userId("43"), fileId: fileId("2") },
        "txt",
        bytesOf("b"),
      );
      const forward = { ...guildMessage(), id, forwards: messageId("9") };
      const owner = ownerOf({ ...forward, sender: sender({ id: userId("43") }) }, "message");
      await folder.keep({ ...owner, fileId: fileId("3") }, "txt", bytesOf("c"));
    }
    mkdirSync(join(directory.path, "odd"));
    const setup = { config: { store: { retention: { mediaDays: 7 } } } };
    const bot = { setup, mediaFolder: directory.path, now: () => now } as unknown as Bot;
    startProcessMedia(bot, new URL("data:,")).stop();
    while (readdirSync(directory.path).length > 1) await setImmediate();
    assert.deepEqual(readdirSync(directory.path), [young]);
    await folder.forget(userId("42"));
    assert.deepEqual(readdirSync(join(directory.path, young)), ["43-2.txt"]);
  });
});

describe("[H7] createMedia()", () => {
  const itself = (file: FoundFile) => file;

  it("reads a file from Discord once, and then from the disk", async () => {
    using directory = tempDirectory();
    let downloads = 0;
    const ports = {
      folder: createMediaFolder(directory.path),
      download: () => Promise.resolve(bytesOf(`file ${++downloads}`)),
      log: recordingLog().log,
    };
    const create = () => createMedia(ports.folder, ports.download, ports.log, createPlaces(1_000));
    const media = create();
    const get = ({ get }: ReturnType<typeof create>) =>
      get(OWNER, attachment(), 100, NEVER, itself);
    const found = await Promise.all([get(media), get(media)]);
    found.push(await get(create()));
    for (const { kind } of found) assert.deepEqual(kind, { kind: "text", text: "file 1" });
    assert.equal(downloads, 1);
  });

  it("[SEC-R25] holds no more bytes of files at once than there is room for", async () => {
    using directory = tempDirectory();
    let held = 0;
    let most = 0;
    const hold = async (bytes: number) => {
      most = Math.max(most, held += bytes);
      await setImmediate();
      held -= bytes;
    };
    const download = async (_url: string, maxBytes: number) => {
      await hold(maxBytes);
      return new Uint8Array(maxBytes).fill(0x61);
    };
    const folder = createMediaFolder(directory.path);
    const room = createPlaces(10_000_000);
    const accounts = [1, 2].map(() => createMedia(folder, download, recordingLog().log, room));
    const uses = Array.from({ length: 20 }, async (_, index) => {
      const file = attachment({ id: fileId(`${index + 1}`), size: index % 3 * 2_000_000 });
      for (const _ of ["before", "in the turn"]) {
        const use = ({ bytes }: FoundFile) => hold(bytes.length);
        await accounts[index % 2]?.get(OWNER, file, 4_000_000, NEVER, use);
      }
    });
    await Promise.all(uses);
    assert.ok(most > 5_000_000 && most <= 10_000_000, `${most} bytes`);
  });

  it("asks for no file that Discord says is too large", async () => {
    const media = createMedia(
      createMediaFolder("/nowhere"),
      () => assert.fail("no request"),
      recordingLog().log,
      createPlaces(1),
    );
    const large = attachment({ size: 20_000_000 });
    await assert.rejects(media.get(OWNER, large, 8_000_000, NEVER, itself), (error) => {
      assert.ok(error instanceof FileError);
      assert.equal(error.message, "20 MB, and the limit is 8 MB");
      return true;
    });
  });

  it("goes on if the disk keeps nothing", async () => {
    using directory = tempDirectory();
    writeFileSync(join(directory.path, "file"), "");
    const { log, lines } = recordingLog();
    const media = createMedia(
      createMediaFolder(join(directory.path, "file")),
      () => Promise.resolve(bytesOf("tide")),
      log,
      createPlaces(1),
    );
    const found = await media.get(OWNER, attachment(), 100, NEVER, itself);
    assert.deepEqual(found.kind, { kind: "text", text: "tide" });
    assert.equal(lines[0]?.level, "warn");
  });
});
