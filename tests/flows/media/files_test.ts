import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../../src/core/turn/media.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { hasFiles, type InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { ExtractJob } from "../../../src/extract/extractor.ts";
import { FileError, type ReadAttachment } from "../../../src/core/turn/media.ts";
import {
  earlierImages,
  findFile,
  MAX_IMAGES_BYTES,
  readAttachments,
  speakAnswer,
  spokenText,
  type Transcription,
} from "../../../src/flows/media/files.ts";
import { audioSpending } from "../../../src/flows/limits.ts";
import { createTurnAttachments } from "../../../src/flows/turn/gather.ts";
import { mediaInMemory } from "../../support/bot/media.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { directMessage, messageId, userId } from "../../support/discord/builders.ts";
import { type Bytes, pdf, png, wav } from "../../support/files/samples.ts";

const NEVER = new AbortController().signal;

const idOf = (id: string) => parseSnowflake<"attachment">(id) ?? assert.fail("no snowflake");

const attachment = (id: string, fields: Partial<Attachment> = {}): Attachment => ({
  id: idOf(id),
  name: `file ${id}`,
  url: `https://cdn.discordapp.com/${id}`,
  size: 4_000_000,
  ...fields,
});

const text = (words: string): Bytes => new Uint8Array(new TextEncoder().encode(words));

/** A picture of so many bytes. */
function picture(size = 100): Bytes {
  const bytes = new Uint8Array(size);
  bytes.set(png(1, 1, "IDAT"));
  return bytes;
}

interface World {
  /** Kept files by their ids; Discord has no other. */
  readonly files?: Readonly<Record<string, Bytes>>;
  readonly extract?: (job: ExtractJob) => unknown;
  readonly transcription?: Transcription;
  readonly beside?: object;
}

async function setUp({ files = {}, extract, transcription, beside }: World = {}) {
  const discord = { dm: { policy: "open", allowFrom: ["*"] } };
  const t = await testAccount({ discord, beside, media: mediaInMemory(extract) });
  const { account } = t;
  Object.assign(account.settings.speech, { transcription });
  const { keep } = account.bot.media.folder;
  const put = async ({ id, quoted, attachments = [] }: InboundMessage) => {
    for (const { id: fileId } of [...attachments, ...quoted?.attachments ?? []]) {
      const bytes = files[fileId];
      if (bytes) await keep({ messageId: id, fileId }, "png", bytes);
    }
  };
  return {
    ...t,
    put,
    async read(message: InboundMessage, takesImages = true, chars = 600) {
      await put(message);
      const room = { bytes: MAX_IMAGES_BYTES, count: 20, chars };
      const rules = { agentId: "main", takesImages, room };
      return await readAttachments(account, message, rules, NEVER);
    },
    async uses() {
      await t.quiet();
      return t.rows("SELECT model, audio_sec, agent_id FROM usage").map((row) =>
        Object.values(row)
      );
    },
  };
}

const withFiles = (...ids: readonly string[]): InboundMessage =>
  directMessage({ attachments: ids.map((id) => attachment(id)) });

/** The kind of each file, or why it was not read. */
const ends = (files: readonly ReadAttachment[]) =>
  files.map(({ result }) => result.kind === "unread" ? result.why : result.kind);

describe("[H7] readAttachments()", () => {
  it("gives texts, documents and images, the oldest file first", async () => {
    const part = { unit: "pages", read: 20, total: 57 };
    const documents = [
      [{ pages: part }, "PDF, pages 1 to 20 of 57"],
      [{ pages: { ...part, total: 20 } }, "PDF"],
      [{ isCut: true }, "PDF, its beginning"],
    ] as const;
    for (const [facts, what] of documents) {
      const { read } = await setUp({
        files: { 1: pdf(["a"]), 2: text("tide"), 3: picture() },
        extract: () => ({ text: "a page", isCut: false, ...facts }),
      });
      const files = await read(directMessage({
        attachments: [attachment("2"), attachment("3")],
        quoted: { id: messageId("9"), text: "", attachments: [attachment("1")] },
      }));
      assert.deepEqual(files.map(({ owner, result }) => [owner, result.kind]), [
        ["quoted message", "text"],
        ["message", "text"],
        ["message", "image"],
      ]);
      assert.deepEqual(files[0]?.result, { kind: "text", text: "a page", what });
    }
    const quoted = { id: messageId("9"), text: "", attachments: [attachment("1")] };
    const messages = [directMessage(), withFiles("1"), directMessage({ quoted })];
    assert.deepEqual(messages.map(hasFiles), [false, true, true]);
  });

  it("names each failure, and goes on", async () => {
    const { read, lines } = await setUp({
      files: { 2: pdf(["a"]), 3: new Uint8Array([1, 0, 255]), 4: text("tide"), 5: pdf(["b"]) },
      extract: ({ bytes }) =>
        bytes.length === pdf(["a"]).length && bytes[0] === 0x25 && new TextDecoder().decode(bytes)
            .includes("(a)")
          ? new TypeError("a bug")
          : { text: "", isCut: false },
    });
    const { attachments = [], ...message } = withFiles("2", "3", "4", "5");
    const large = attachment("1", { size: 9_000_000 });
    assert.deepEqual(ends(await read({ ...message, attachments: [large, ...attachments] })), [
      "9 MB, and the limit is 8 MB",
      "an unexpected failure",
      "its type is unknown",
      "text",
      "the PDF has no text; it may be a scan",
    ]);
    assert.deepEqual(lines.map(({ level }) => level), ["debug", "warn"]);
  });

  it("shows no images to a model that takes none, and not too many bytes to others", async () => {
    const { read } = await setUp({
      files: {
        1: picture(3_700_000),
        2: picture(3_700_000),
        3: picture(700_000),
        4: new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0]),
      },
    });
    const message = withFiles("1", "2", "3");
    assert.deepEqual(ends(await read(message, false)), Array(3).fill("the model takes no images"));
    const crowded = "there are too many images at once";
    assert.deepEqual(ends(await read(message)), ["image", "image", crowded]);
    assert.deepEqual(ends(await read(withFiles("4"))), ["the image is damaged"]);
  });

  it("[SEC-R25] keeps no more of a text than the request may show", async () => {
    const { read } = await setUp({ files: { 1: text("a".repeat(9_000)) } });
    const [file] = await read(withFiles("1"));
    assert.ok(file?.result.kind === "text");
    assert.deepEqual([file.result.text.length, file.result.left], [603, 8_397]);
  });

  it("gives up files that take too long, and ends with the process", async () => {
    const { read, clock, account } = await setUp({
      files: { 1: pdf(["a"]) },
      extract: () => new Promise(() => {}),
    });
    const reading = read(withFiles("1"));
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(180_000);
    assert.deepEqual(ends(await reading), ["reading the files takes too long"]);
    const room = { bytes: 1, count: 1, chars: 1 };
    const rules = { agentId: "main", takesImages: true, room };
    const stopped = AbortSignal.abort(new Error("stopping"));
    await assert.rejects(readAttachments(account, withFiles("1"), rules, stopped), /stopping/);
  });
});

describe("[H10] readAttachments()", () => {
  const transcription: Transcription = {
    modelId: "local/whisper",
    maxSec: 600,
    transcribe: () => Promise.resolve("low tide"),
  };
  const dear = { ...transcription, transcribe: () => assert.fail("no request") };

  it("transcribes a recording once, and counts its seconds", async () => {
    const { read, uses } = await setUp({
      files: { 1: wav(1) },
      extract: () => ({ durationSec: 12 }),
      transcription,
    });
    for (let turn = 0; turn < 2; turn++) {
      const [file] = await read(withFiles("1"));
      const expected = { kind: "transcript", text: "low tide", durationSec: 12 };
      assert.deepEqual(file?.result, expected);
    }
    assert.deepEqual(await uses(), [["local/whisper", 12, "main"]]);
  });

  const refused: readonly [title: string, claimed: number, measured: object, why: RegExp][] = [
    ["an mp3 of ten hours", 5, { durationSec: 36_000 }, /it is 600 minutes long.* 10 minutes/],
    ["a claimed hour", 3_600, { durationSec: 5 }, /it is 60 minutes long/],
    ["an unknown length", 5, {}, /its length is unknown/],
  ];
  for (const [title, durationSec, facts, why] of refused) {
    it(`[SEC-R25] refuses ${title} in words`, async () => {
      const world = { files: { 1: wav(1) }, extract: () => facts, transcription: dear };
      const { read, uses } = await setUp(world);
      const message = directMessage({ attachments: [attachment("1", { durationSec })] });
      assert.match(ends(await read(message)).join(), why);
      assert.deepEqual(await uses(), []);
    });
  }

  it("[X4] transcribes nothing once a budget of audio is spent", async () => {
    const { read, account } = await setUp({
      files: { 1: wav(1) },
      extract: () => ({ durationSec: 12 }),
      transcription: dear,
      beside: { budgets: { total: { audioSecondsPerDay: 10 } } },
    });
    const payer = { message: directMessage(), agentId: "main" };
    audioSpending(account).record({ modelId: "a/b" }, 10, 0, payer);
    assert.deepEqual(ends(await read(withFiles("1"))), ["today's budget is used up"]);
  });

  it("says that no model transcribes", async () => {
    const { read } = await setUp({ files: { 1: wav(1) } });
    assert.deepEqual(ends(await read(withFiles("1"))), ["recordings are not transcribed here"]);
  });
});

describe("[H7] prefetch()", () => {
  it("keeps the files of a message at once: their links expire", async () => {
    const { account, dm } = await setUp();
    const { fetch } = globalThis;
    const asked: string[] = [];
    globalThis.fetch = (url) => {
      asked.push(String(url));
      return Promise.resolve(new Response("tide"));
    };
    try {
      const { id, name: filename, url, size } = attachment("7");
      await dm("look", { id: "11", attachments: [{ id, filename, url, size }] });
    } finally {
      globalThis.fetch = fetch;
    }
    const kept = await account.bot.media.folder.list(messageId("11"));
    assert.deepEqual([asked.length, kept.map(({ fileId }) => fileId)], [1, ["7"]]);
  });
});

describe("[T6] findFile()", () => {
  const first = directMessage({
    id: messageId("11"),
    attachments: [attachment("1", { name: "a.csv" }), attachment("2", { name: "b.csv" })],
  });
  const second = directMessage({
    id: messageId("12"),
    attachments: [attachment("4", { name: "a.csv" })],
    quoted: {
      id: messageId("9"),
      text: "",
      attachments: [attachment("3", { name: "c.csv" }), attachment("5", { name: "a.csv" })],
    },
  });
  const cases: readonly [name: string, read: string | undefined][] = [
    ["a.csv", "4"], // the last message, and its own before its quote's
    ["b.csv", "2"],
    ["c.csv", "3"],
    ["d.csv", undefined],
  ];
  for (const [name, expected] of cases) {
    it(`finds ${expected ?? "nothing"} for ${name}`, async () => {
      const ids = ["1", "2", "3", "4", "5"];
      const { account, put } = await setUp({
        files: Object.fromEntries(ids.map((id) => [id, text(id)])),
      });
      for (const message of [first, second]) await put(message);
      const bytes = await findFile(account, [first, second], name, NEVER);
      assert.equal(bytes && new TextDecoder().decode(bytes), expected);
    });
  }
});

describe("[H7] earlierImages()", () => {
  it("finds images of the newest turns, within the room of the request", async () => {
    const { account, put } = await setUp({
      files: { 1: picture(200), 2: picture(600), 3: text("no image") },
    });
    const messages = ["11", "12", "13"].map((id, at) =>
      directMessage({ id: messageId(id), attachments: [attachment(["2", "1", "3"][at] ?? "")] })
    );
    for (const message of messages) await put(message);
    const ids = messages.map(({ id }) => id);
    const shown = (spare: number) => [{
      mediaType: "image/png",
      data: new Uint8Array(MAX_IMAGES_BYTES - spare),
    }];
    const found = async (spare: number) => [
      ...(await earlierImages(account, ids, shown(spare))).keys(),
    ];
    assert.deepEqual(await found(800), ["12", "11"]);
    assert.deepEqual(await found(700), ["12"]);
    assert.deepEqual(await found(100), []);
    const twenty = Array.from({ length: 20 }, () => ({ mediaType: "image/png", data: picture() }));
    assert.equal((await earlierImages(account, ids, twenty)).size, 0);
  });
});

describe("[H7] createTurnAttachments()", () => {
  async function open(files: Readonly<Record<string, Bytes>>, maxChars = 1_000) {
    const world = await setUp({ files });
    const make = (takesImages = true) =>
      createTurnAttachments(world.account, { agentId: "main", takesImages, maxChars });
    const turn = make();
    const message = (id: string, ...ids: readonly string[]) =>
      directMessage({ id: messageId(id), attachments: ids.map((one) => attachment(one)) });
    return {
      ...world,
      make,
      turn,
      message,
      async read(...messages: readonly InboundMessage[]) {
        for (const one of messages) await world.put(one);
        await turn.read(messages, NEVER);
        return messages.map(({ id }) => turn.imagesOf([id]).length);
      },
    };
  }

  it("shares the room for images among messages with files", async () => {
    const big = picture(3_000_000);
    const { read, message } = await open({ 1: big, 2: big, 3: big, 4: big });
    assert.deepEqual(await read(message("1", "1", "2"), message("2"), message("3", "3")), [
      1,
      0,
      1,
    ]);
  });

  it("[S5] gives messages that join later the rest of the room, and reads each once", async () => {
    const big = picture(2_000_000);
    const { read, turn, message } = await open({ 1: big, 2: big, 3: picture(1_000) });
    assert.deepEqual(await read(message("1", "1")), [1]);
    turn.showsEarlier([{ mediaType: "image/png", data: new Uint8Array(4_999_000) }]);
    assert.deepEqual(await read(message("1", "1"), message("2", "2"), message("3")), [1, 0, 0]);
    assert.deepEqual(await read(message("4", "3")), [1]);
  });

  it("[S5] gives messages that join later the rest of the characters", async () => {
    const words = text("x".repeat(600));
    const { read, turn, message } = await open({ 1: words, 2: words, 3: words });
    for (const id of ["1", "2", "3"]) await read(message(id, id));
    const chars = ["1", "2", "3"].map((id) => turn.charsFor(messageId(id)));
    assert.deepEqual(chars, [1_000, 400, 0]);
  });

  it("[T13] keeps images of results within the room of the request, and reads them after a crash", async () => {
    const { turn, make, message } = await open({});
    const asked = message("1");
    turn.showsEarlier([{ mediaType: "image/png", data: new Uint8Array(MAX_IMAGES_BYTES - 150) }]);
    const { id, name, unseen } = await turn.keepImage(asked, picture());
    assert.deepEqual([name, unseen], [`1-${id}`, undefined]);
    const next = await turn.keepImage(asked, picture());
    assert.equal(next.unseen, "there are too many images at once");
    assert.equal(turn.keptImages([id, next.id]).length, 1);
    const step = {
      kind: "result",
      callId: "a",
      end: "done",
      text: "",
      images: [id],
      at: 0,
    } as const;
    const again = make();
    await again.readKept(asked.id, [step]);
    assert.equal(again.keptImages([id])[0]?.data.length, 100);
    const blind = make(false);
    assert.equal((await blind.keepImage(asked, picture())).unseen, "the model takes no images");
    await blind.readKept(asked.id, [step]);
    assert.deepEqual(blind.keptImages([id]), []);
  });
});

describe("[R16] speakAnswer()", () => {
  const voiceMessage = directMessage({ attachments: [attachment("1", { isVoice: true })] });

  async function setUpVoice(speak: () => Promise<Bytes>, beside: object = {}) {
    const extract = () => ({ durationSec: 2, waveform: "AAAA" });
    const world = await setUp({ extract, beside });
    const voice = { modelId: "local/tts", speak, speakPcm: async function* () {} };
    Object.assign(world.account.settings.speech, { voice });
    const answer = (message: InboundMessage, words = "low tide") =>
      speakAnswer(world.account, { message, agentId: "helper" }, words);
    return { ...world, answer };
  }

  it("speaks the words of an answer", async () => {
    const { answer, uses } = await setUpVoice(() => Promise.resolve(new Uint8Array(3)));
    const voice = await answer(voiceMessage);
    const { durationSec, waveform, file } = voice ?? {};
    assert.deepEqual([durationSec, waveform, file?.name], [2, "AAAA", "voice-message.ogg"]);
    assert.equal(await answer(voiceMessage, "```\ncode\n```"), undefined);
    assert.deepEqual(await uses(), [["local/tts", 2, "helper"]]);
  });

  it("costs no text if it fails, and [X4] asks for none once a budget is spent", async () => {
    const failing = await setUpVoice(() => Promise.reject(new FileError("no sound")));
    assert.equal(await failing.answer(voiceMessage), undefined);
    assert.equal(failing.lines[0]?.level, "warn");
    const budgets = { total: { audioSecondsPerDay: 2 } };
    const spent = await setUpVoice(() => Promise.resolve(new Uint8Array(3)), { budgets });
    assert.ok(await spent.answer(voiceMessage));
    assert.equal(await spent.answer(voiceMessage), undefined);
    assert.equal(spent.lines[0]?.level, "info");
  });

  it("speaks words, without marks, code and addresses", () => {
    assert.equal(
      spokenText(
        `## Tide\n**Low** at \`nine\`, see [here](https://x.example/a), <@${userId("1")}>.`,
      ),
      "Tide\nLow at nine, see here, .",
    );
  });
});
