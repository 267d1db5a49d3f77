/** Checks the libraries, the servers and the channels of `voice`, for `barnacle doctor`. */

import type { BotConfig } from "../../../config/config.ts";
import { chooseSpeech } from "../../../cli/models/choose_media_models.ts";
import type { ChannelId } from "../../../core/discord/ids.ts";
import type { Finding } from "../../../core/finding.ts";
import { lackText, type SeenGuild } from "../../../flows/preflight/permissions.ts";
import type { Env } from "../../../lib/env.ts";
import type { RealtimeServer } from "../../../providers/other_apis/realtime.ts";

/** Milliseconds for all requests: a server on this machine may load its model first. */
const LIMIT_MS = 60_000;
const WORDS = "One, two, three.";

/** No rows without `voice`, or if its servers are missing: the check of the config says that. */
export async function checkSpeech(config: BotConfig, env: Env): Promise<readonly Finding[]> {
  const { voice } = config;
  if (!voice) return [];
  const chosen = chooseSpeech(config, env);
  const about = { id: "speech", what: "Speech" } as const;
  if ("problem" in chosen) {
    const { message: why, hint: fix } = chosen.problem;
    return [{ ...about, status: "fail", why, fix }];
  }
  const startedAt = performance.now();
  const fails = (why: string, fix: string): readonly Finding[] => [
    { ...about, status: "fail", why, fix },
  ];
  try {
    const { createOpus, loadDavey } = await import("../../voice/exports.ts");
    await Promise.all([createOpus(), loadDavey()]);
  } catch (error) {
    return fails(`the libraries of sound do not load: ${reasonOf(error)}`, "report this");
  }
  const { realtime, voice: speaker, transcription } = chosen;
  try {
    const why = voice.mode === "realtime"
      ? realtime && await opened(realtime)
      : speaker && transcription && await spokenAndHeard(speaker, transcription);
    if (why === undefined) return [];
    const ms = Math.round(performance.now() - startedAt);
    return [{ ...about, status: "pass", why, ms }];
  } catch (error) {
    const why = `the bot would neither hear nor speak: ${reasonOf(error)}`;
    return fails(why, "check that the server runs, and the provider's baseUrl, key and model");
  }
}

/** @param isOnly Whether no other account of the config could join the channels. */
export function judgeCallPlaces(
  autoJoin: readonly ChannelId[],
  guilds: readonly SeenGuild[],
  isOnly: boolean,
): readonly Finding[] {
  const isKnown = isOnly && !guilds.some(({ unread, isPassedOver }) => unread ?? isPassedOver);
  const channels = guilds.flatMap(({ details }) => details?.channels ?? []);
  return autoJoin.flatMap((id): readonly Finding[] => {
    const { name, missing = [], callMissing } = channels.find((one) => one.id === id) ?? {};
    const lacks = callMissing ?? missing.filter(({ permission }) => permission === "View Channel");
    const unseen = isKnown && `the bot sees no channel ${id} in servers in which it may answer`;
    const lacking = callMissing ? undefined : `#${name} is no voice channel`;
    const why = name === undefined
      ? unseen
      : lacks.length === 0
      ? lacking
      : `the bot cannot talk in #${name}: it lacks ${lacks.map(lackText).join(", ")}`;
    const fix = "give the bot's role these permissions there, or correct `voice.autoJoin`";
    const about = { id: "discord.voice", what: "Voice channels", where: "voice.autoJoin" };
    return why ? [{ ...about, status: "fail", why, fix }] : [];
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

type Chosen = Exclude<ReturnType<typeof chooseSpeech>, { readonly problem: unknown }>;

async function spokenAndHeard(
  speaker: NonNullable<Chosen["voice"]>,
  transcription: NonNullable<Chosen["transcription"]>,
): Promise<string> {
  const { wavOf } = await import("../../voice/exports.ts");
  const signal = AbortSignal.timeout(LIMIT_MS);
  const parts: Int16Array[] = [];
  for await (const part of speaker.speakPcm(WORDS, signal)) parts.push(part);
  const pcm = Int16Array.from(parts.flatMap((part) => [...part]));
  const sound = { bytes: wavOf(pcm), mediaType: "audio/wav", ending: "wav" };
  const words = await transcription.transcribe(sound, signal);
  return `${speaker.modelId} said "${WORDS}", and ${transcription.modelId} heard ` +
    JSON.stringify(words.trim().slice(0, 100));
}

/** A server of the protocol greets each connection. */
function opened(server: RealtimeServer): Promise<string> {
  return new Promise((resolve, reject) => {
    AbortSignal.timeout(LIMIT_MS).onabort = () => {
      socket.close();
      reject(new Error(`${server.modelId} says nothing`));
    };
    const socket = server.open({
      event({ type, error }) {
        if (type === "error") reject(new Error(`${server.modelId}: ${JSON.stringify(error)}`));
        else resolve(`${server.modelId} takes a connection`);
        queueMicrotask(() => socket.close());
      },
      ended: (reason) => reject(new Error(`${server.modelId}: ${reason}`)),
    });
  });
}
