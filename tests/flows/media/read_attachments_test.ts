import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../../src/core/discord/attachment.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { ExtractJob, JobResult } from "../../../src/core/turn/extract.ts";
import { FileError, type FileKind, type FoundFile } from "../../../src/core/turn/media.ts";
import { earlierImages } from "../../../src/flows/media/find_files.ts";
import {
  createAttachmentReader,
  type FileRoom,
  MAX_IMAGES_BYTES,
  type ReadAttachmentsPorts,
} from "../../../src/flows/media/read_attachments.ts";
import type { BudgetStop } from "../../../src/core/spending/budget.ts";
import type { Transcription } from "../../../src/flows/media/read_audio.ts";
import { createSpeakAnswer, spokenText } from "../../../src/flows/media/speak.ts";
import { directMessage, messageId, userId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const NEVER = new AbortController().signal;
const room = (): FileRoom => ({ bytes: MAX_IMAGES_BYTES, count: 20, chars: 600 });

const attachment = (id: string, fields: Partial<Attachment> = {}): Attachment => ({
  id: parseSnowflake<"attachment">(id) ?? assert.fail("no snowflake"),
  name: `file ${id}`,
  url: `https://cdn.discordapp.com/${id}`,
  size: 1,
  ...fields,
});

const found = (kind: FileKind, size = 1): FoundFile => ({ bytes: new Uint8Array(size), kind });
const IMAGE = { kind: "image", mediaType: "image/png" } as const;
const SOUND = { kind: "audio", mediaType: "audio/ogg", ending: "ogg" } as const;

interface World {
  /** Files by their ids; an error is thrown. */
  readonly files: Readonly<Record<string, FoundFile | Error>>;
  readonly extract?: (job: ExtractJob) => unknown;
  readonly transcription?: Transcription;
  /** A spent budget of audio. */
  readonly stop?: BudgetStop;
}

function setUp({ files, extract = () => assert.fail("no job"), transcription, stop }: World) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const words = new Map<string, string>();
  const uses: { readonly modelId: string; readonly seconds: number; readonly agentId: string }[] =
    [];
  const ports: ReadAttachmentsPorts = {
    media: {
      async get(_owner, { id }, _maxBytes, _signal, use) {
        const file = files[id] ?? assert.fail(`no file ${id}`);
        if (file instanceof Error) throw file;
        return await use(file);
      },
      keptImages: () => Promise.resolve([]),
      keptWords: (_owner, { id }) => Promise.resolve(words.get(id)),
      keepWords: (_owner, { id }, text) => Promise.resolve(void words.set(id, text)),
    },
    extractor: {
      run: <J extends ExtractJob>(job: J) =>
        Promise.try(() => extract(job) as JobResult<J["kind"]>),
    },
    imageProblem: () => Promise.resolve(undefined),
    transcription: () => transcription,
    audio: {
      check: () => Promise.resolve(stop),
      record: ({ modelId }, seconds, _, { agentId }) =>
        void uses.push({ modelId, seconds, agentId }),
    },
    now: () => 0,
    maxBytes: () => 8_000_000,
    schedule: clock.schedule,
    log,
  };
  const attachments = createAttachmentReader(ports, NEVER);
  const read = async (message: InboundMessage, takesImages = true) => {
    const all = await attachments.read(
      message,
      { agentId: "main", takesImages, room: room() },
      NEVER,
    );
    return all.map(({ owner, attachment: { id }, result }) => ({ owner, id, ...result }));
  };
  return { read, attachments, ports, clock, lines, uses, words };
}

const withFiles = (...ids: readonly string[]): InboundMessage =>
  directMessage({ attachments: ids.map((id) => attachment(id)) });

describe("[H7] createAttachmentReader()", () => {
  it("gives texts, documents and images, the oldest file first", async () => {
    const { read } = setUp({
      files: {
        1: found({ kind: "pdf" }),
        2: found({ kind: "text", text: "tide" }),
        3: found(IMAGE),
      },
      extract: () => ({
        text: "a page",
        isCut: false,
        pages: { unit: "pages", read: 20, total: 57 },
      }),
    });
    const message = directMessage({
      attachments: [attachment("2"), attachment("3")],
      quoted: { id: messageId("9"), text: "", attachments: [attachment("1")] },
    });
    const [pdf, text, image] = await read(message);
    assert.deepEqual(pdf, {
      owner: "quoted message",
      id: "1",
      kind: "text",
      text: "a page",
      what: "PDF, pages 1 to 20 of 57",
    });
    assert.equal(text?.kind === "text" && text.text, "tide");
    assert.equal(image?.kind, "image");
  });

  it("names each failure, and goes on", async () => {
    const { read, lines } = setUp({
      files: {
        1: new FileError("larger than 8 MB"),
        2: new TypeError("a bug"),
        3: found({ kind: "other", mediaType: "video/mp4" }),
        4: found({ kind: "text", text: "tide" }),
        5: found({ kind: "pdf" }),
        6: found({ kind: "pdf" }),
      },
      extract: () => ({ text: "", isCut: false }),
    });
    const results = await read(withFiles("1", "2", "3", "4", "5", "6"));
    assert.deepEqual(results.map((result) => result.kind === "unread" ? result.why : result.kind), [
      "larger than 8 MB",
      "an unexpected failure",
      "files of the type video/mp4 are not read",
      "text",
      "the PDF has no text; it may be a scan",
      "the PDF has no text; it may be a scan",
    ]);
    assert.deepEqual(lines.map(({ level }) => level), ["debug", "warn"]);
  });

  it("shows no images to a model that takes none, and not too many bytes to others", async () => {
    const { read } = setUp({
      files: { 1: found(IMAGE, MAX_IMAGES_BYTES - 5), 2: found(IMAGE, 6), 3: found(IMAGE, 5) },
    });
    const kinds = async (takesImages: boolean) =>
      (await read(withFiles("1", "2", "3"), takesImages))
        .map((result) => result.kind === "unread" ? result.why : result.kind);
    assert.deepEqual(await kinds(false), Array(3).fill("the model takes no images"));
    assert.deepEqual(await kinds(true), ["image", "there are too many images at once", "image"]);
  });

  it("[SEC-R25] keeps no more of a text than the request may show", async () => {
    const { read } = setUp({ files: { 1: found({ kind: "text", text: "a".repeat(9_000) }) } });
    const [file] = await read(withFiles("1"));
    assert.ok(file?.kind === "text");
    assert.deepEqual([file.text.length, file.left], [603, 8_397]);
  });

  it("gives up files that take too long, and answers", async () => {
    const { attachments, ports, clock } = setUp({ files: {} });
    const hanging = createAttachmentReader({
      ...ports,
      media: {
        ...ports.media,
        get: (_owner, _file, _max, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          }),
      },
    }, NEVER);
    assert.ok(attachments);
    const reading = hanging.read(withFiles("1"), {
      agentId: "main",
      takesImages: true,
      room: room(),
    }, NEVER);
    clock.advance(180_000);
    assert.deepEqual((await reading)[0]?.result, {
      kind: "unread",
      why: "reading the files takes too long",
    });
    assert.equal(clock.pending, 0);
  });

  it("ends with the process", async () => {
    const { attachments } = setUp({ files: { 1: found({ kind: "empty" }) } });
    const stopping = AbortSignal.abort(new Error("stopping"));
    await assert.rejects(
      attachments.read(
        withFiles("1"),
        { agentId: "main", takesImages: true, room: room() },
        stopping,
      ),
      /stopping/,
    );
  });
});

describe("[H10] createAttachmentReader()", () => {
  const transcription: Transcription = {
    modelId: "local/whisper",
    maxSec: 600,
    transcribe: () => Promise.resolve("low tide"),
  };

  it("transcribes a recording once, and reports its seconds", async () => {
    const { read, uses } = setUp({
      files: { 1: found(SOUND) },
      extract: () => ({ durationSec: 12 }),
      transcription,
    });
    for (let turn = 0; turn < 2; turn++) {
      assert.deepEqual(await read(withFiles("1")), [
        { owner: "message", id: "1", kind: "transcript", text: "low tide", durationSec: 12 },
      ]);
    }
    assert.deepEqual(uses.map(({ seconds, modelId }) => ({ seconds, modelId })), [
      { seconds: 12, modelId: "local/whisper" },
    ]);
  });

  it("[X4] transcribes nothing once a budget of audio is spent", async () => {
    const { read, uses } = setUp({
      files: { 1: found(SOUND) },
      extract: () => ({ durationSec: 12 }),
      transcription: { ...transcription, transcribe: () => assert.fail("no request") },
      stop: { rule: "budgets.total.audioSecondsPerDay", limit: 10 },
    });
    const [result] = await read(withFiles("1"));
    assert.equal(result?.kind === "unread" && result.why, "today's budget is used up");
    assert.deepEqual(uses, []);
  });

  const refused: readonly [title: string, claimed: number, measured: object, why: RegExp][] = [
    ["an mp3 of ten hours", 5, { durationSec: 36_000 }, /it is 600 minutes long.* 10 minutes/],
    ["a claimed hour", 3_600, { durationSec: 5 }, /it is 60 minutes long/],
    ["an unknown length", 5, {}, /its length is unknown/],
  ];
  for (const [title, durationSec, facts, why] of refused) {
    it(`[SEC-R25] refuses ${title} in words`, async () => {
      const { read, uses } = setUp({
        files: { 1: found(SOUND) },
        extract: () => facts,
        transcription: { ...transcription, transcribe: () => assert.fail("no request") },
      });
      const [result] = await read(
        directMessage({ attachments: [attachment("1", { durationSec })] }),
      );
      assert.match(result?.kind === "unread" ? result.why : "", why);
      assert.deepEqual(uses, []);
    });
  }
});

describe("[H7] earlierImages()", () => {
  it("finds images of the newest turns, within the room of the request", async () => {
    const asked: string[] = [];
    const images = await earlierImages(
      [messageId("1"), messageId("3")],
      [{ mediaType: "image/png", data: new Uint8Array(MAX_IMAGES_BYTES - 10) }],
      {
        imagesOf(id, room) {
          asked.push(`${id}: ${room}`);
          const image = { mediaType: "image/png", data: new Uint8Array(6) };
          return Promise.resolve(room >= 6 ? [image] : []);
        },
      },
    );
    assert.deepEqual([...images.keys()], ["3"]);
    assert.deepEqual(asked, ["3: 10", "1: 4"]);
  });
});

describe("[R16] createSpeakAnswer()", () => {
  const voiceMessage = directMessage({ attachments: [attachment("1", { isVoice: true })] });
  const setUpVoice = (speak: () => Promise<Uint8Array<ArrayBuffer>>) => {
    const { ports, uses, lines } = setUp({
      files: {},
      extract: () => ({ durationSec: 2, waveform: "AAAA" }),
    });
    const answer = createSpeakAnswer({
      ...ports,
      voice: () => ({ modelId: "local/tts", speak, speakPcm: async function* () {} }),
    });
    return { answer, uses, lines };
  };

  it("speaks the answer to a voice message, and to no other", async () => {
    const { answer, uses } = setUpVoice(() => Promise.resolve(new Uint8Array(3)));
    const voice = await answer({ message: voiceMessage, agentId: "helper" }, "low tide", NEVER);
    assert.deepEqual([voice?.durationSec, voice?.waveform, voice?.file.name], [
      2,
      "AAAA",
      "voice-message.ogg",
    ]);
    assert.deepEqual(uses.map(({ agentId }) => agentId), ["helper"]);
    assert.equal(
      await answer({ message: directMessage(), agentId: "helper" }, "low tide", NEVER),
      undefined,
    );
    assert.equal(
      await answer({ message: voiceMessage, agentId: "helper" }, "```\ncode\n```", NEVER),
      undefined,
    );
  });

  it("costs no text if it fails", async () => {
    const { answer, lines } = setUpVoice(() => Promise.reject(new FileError("no sound")));
    assert.equal(
      await answer({ message: voiceMessage, agentId: "helper" }, "low tide", NEVER),
      undefined,
    );
    assert.equal(lines[0]?.level, "warn");
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
