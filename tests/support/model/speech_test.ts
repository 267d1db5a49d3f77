import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { cleanUpAfterEach } from "../cleanups.ts";
import { espeak, hasEspeak, join, mix, noise, silence, writeWav } from "../voice/recordings.ts";
import { RATE, readSound, speakText } from "../voice/tone_code.ts";
import { skipUnless } from "../skip.ts";
import { type RealtimeServer, startRealtimeServer } from "./speech_realtime.ts";
import { startSpeechServer } from "./speech_server.ts";

const cleanups = cleanUpAfterEach();

describe("[V5] sound of tests", () => {
  it("carries its text through noise, cuts and pauses", () => {
    const text = "Ahoy, Ünal! 🦐 aaa";
    const pcm = join(silence(333), speakText(text), silence(900));
    assert.equal(readSound(pcm), text);
    assert.equal(readSound(mix(pcm, noise(3_000, 600))), text);
    assert.equal(readSound(noise(3_000, 3_000)), "");
    assert.equal(readSound(speakText("whole").subarray(0, RATE * 0.2)), "who");
  });

  it("is no text in espeak's voice", skipUnless(hasEspeak, "espeak-ng is missing"), () => {
    const pcm = espeak("Is the tide high at noon?");
    assert.ok(pcm.length > RATE);
    assert.equal(readSound(pcm), "");
  });
});

describe("[V5] the speech server of tests", () => {
  it("reads recordings, and speaks in a stream", async () => {
    const server = await startSpeechServer();
    cleanups.push(server.close);
    const body = new FormData();
    body.set("file", new Blob([writeWav(speakText("low tide?"))]), "recording.wav");
    body.set("model", "ear");
    const heard = await fetch(`${server.baseUrl}/audio/transcriptions`, { method: "POST", body });
    assert.deepEqual(await heard.json(), { text: "low tide?" });
    const asked = JSON.stringify({ model: "mouth", input: "At noon.", response_format: "pcm" });
    const said = await fetch(`${server.baseUrl}/audio/speech`, { method: "POST", body: asked });
    const bytes = await said.bytes();
    assert.equal(readSound(new Int16Array(bytes.buffer, 0, bytes.length / 2)), "At noon.");
    assert.deepEqual(server.requests.map(({ text }) => text), ["low tide?", "At noon."]);
  });
});

type Told = Record<string, unknown>;

/** Connects a client; `until` resolves with the next event of a type. */
async function connect(server: RealtimeServer) {
  const socket = new WebSocket(`${server.baseUrl.replace("http", "ws")}/realtime?model=talk`);
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  const closed = new Promise<void>((resolve) => {
    socket.onclose = () => resolve();
  });
  socket.onmessage = ({ data }) => {
    told.push(JSON.parse(data));
    for (const look of [...waiting]) look();
  };
  let from = 0;
  const until = (type: string) =>
    new Promise<Told>((resolve) => {
      const look = () => {
        const at = told.findIndex((one, index) => index >= from && one["type"] === type);
        const found = told[at];
        if (!found) return;
        from = at + 1;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  await until("session.created");
  const send = (type: string, fields: object = {}) =>
    socket.send(JSON.stringify({ type, ...fields }));
  return {
    told,
    until,
    send,
    closed,
    hear(pcm: Int16Array) {
      const audio = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString("base64");
      send("input_audio_buffer.append", { audio });
    },
    /** The words of all sound that came. */
    words: () =>
      readSound(join(
        ...told.filter(({ type }) => String(type).endsWith("audio.delta")).map(({ delta }) => {
          const bytes = Buffer.from(String(delta), "base64");
          return Int16Array.from(
            { length: bytes.length / 2 },
            (_, at) => bytes.readInt16LE(2 * at),
          );
        }),
      )),
  };
}

describe("[V6] the Realtime server of tests", () => {
  it("finds turns, reads them and answers in sound", async () => {
    const server = await startRealtimeServer();
    cleanups.push(server.close);
    const client = await connect(server);
    client.send("session.update", { session: { instructions: "Be kind." } });
    await client.until("session.updated");
    client.hear(join(silence(400), speakText("low tide?"), silence(600)));
    await client.until("input_audio_buffer.speech_started");
    await client.until("input_audio_buffer.speech_stopped");
    const { transcript } = await client.until(
      "conversation.item.input_audio_transcription.completed",
    );
    assert.equal(transcript, "low tide?");
    await client.until("response.done");
    assert.equal(client.words(), "You said: low tide?");
    assert.equal(server.sessions[0]?.settings["instructions"], "Be kind.");
  });

  it("calls tools, and stops when a person speaks", async () => {
    const server = await startRealtimeServer({
      speed: 1,
      answer: (words, from) =>
        from === "tool" ? { text: `${words} at length` } : { call: "tide", arguments: { at: 1 } },
    });
    cleanups.push(server.close);
    const client = await connect(server);
    client.hear(join(speakText("tide?"), silence(600)));
    const call = await client.until("response.function_call_arguments.done");
    await client.until("response.done");
    const item = { type: "function_call_output", call_id: call["call_id"], output: "noon" };
    client.send("conversation.item.create", { item });
    client.send("response.create");
    await client.until("response.output_audio.delta");
    client.hear(speakText("stop"));
    const { response } = await client.until("response.done");
    assert.equal(Object(response).status, "cancelled");
    assert.ok(client.words().length < "noon at length".length);
  });

  it("dies in the middle of a sentence", async () => {
    const server = await startRealtimeServer({ diesAfterMs: 300 });
    cleanups.push(server.close);
    const client = await connect(server);
    client.hear(join(speakText("tide?"), silence(600)));
    await client.closed;
    assert.ok("You said: tide?".startsWith(client.words()));
  });
});
