/** Connects talks with the policy, the budgets, the store and the servers of speech of an account. */

import { wakeChannels, wakeTurns } from "../../../account/wakes.ts";
import type { BotAccount } from "../../../account/account.ts";
import { cleanSecrets } from "../../../account/secrets.ts";
import { PAUSE_MS } from "../../../config/schema/messages.ts";
import {
  type ChannelId,
  createdAtMs,
  parseSnowflake,
  snowflakeAt,
} from "../../../core/discord/ids.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../../core/inbound/inbound.ts";
import type { Spoken } from "../../../core/inbound/origin.ts";
import type { OutboundMessage } from "../../../core/outbound/outbound.ts";
import { askForText } from "../../../core/model.ts";
import { meteredModel } from "../../../core/spending/metered_model.ts";
import { microsOfAudio, ofAgent } from "../../../core/spending/usage.ts";
import { type AudioPayer, createAudioSpending } from "../../../core/turn/audio_spending.ts";
import { FileError } from "../../../core/turn/media.ts";
import { placeOfTarget } from "../../../discord/gateway/decode/places.ts";
import { isRefused } from "../../../flows/event_places.ts";
import { spokenText } from "../../../flows/media/speak.ts";
import { judge, routeOf } from "../../../flows/judging/judge.ts";
import { spendOf } from "../../../flows/turn/spending/budgets.ts";
import { progressOf } from "../../../flows/turn/progress/progress.ts";
import type { SpeechOf } from "../../../flows/turn/progress/speech.ts";
import { isRecord } from "../../../lib/text/json.ts";
import { freezeUnprompted } from "../../../render/freeze.ts";
import { noticeBody } from "../../../render/reply.ts";
import type { CallSpeaker, Talk, TalkPorts } from "../line/call.ts";
import { createMinutes } from "./minutes.ts";
import { msOf } from "./speeches.ts";
import { createTalk, type OpenTalk, type TalkDeps } from "./talk.ts";

const IDS = 2 ** 22;
/** Characters that a voice speaks in a second. */
const CHARS_PER_SEC = 15;
/** Milliseconds for the summary of a call. */
const SUMMARY_MS = 60_000;
/** Minutes after which Discord archives the thread of minutes. */
const ARCHIVE_MIN = 1_440;

export function createAccountTalk(account: BotAccount) {
  const { accountId, config, store, now, random, schedule, stopping, log } = account;
  const { reader, rest, settings } = account;
  const { harmlessPart } = progressOf(account).drafts;
  const spend = spendOf(account);
  const audio = createAudioSpending({ spend, now });
  const open = new Map<string, OpenTalk>();

  function talk(ports: TalkPorts): Talk {
    const { guildId, channelId } = ports.call.place;
    const made = createTalk(ports, deps());
    open.set(channelId, made);
    return {
      ...made,
      async stop() {
        if (open.get(channelId) === made) open.delete(channelId);
        await made.stop();
      },
    };

    /** The message of a speaker, to whose rights and budgets all of it counts. */
    function messageOf({ sender, displayName }: CallSpeaker, text: string, spoken: Spoken) {
      const id = snowflakeAt<"message">(now(), Math.floor(random() * IDS));
      const guild = reader.index.get(guildId);
      const message: InboundMessage = {
        ...ASKED_OTHERWISE,
        ...{ accountId, id, channelId, guildId, sender, displayName, text },
        origin: { kind: "speech", ...spoken },
        place: placeOfTarget(guildId, { channelId }, guild),
        sentAt: createdAtMs(id),
      };
      return message;
    }

    /** Whom seconds of sound count for; a text for all counts for the agent alone. */
    function payerOf(sender: CallSpeaker["sender"] | undefined): AudioPayer {
      if (!sender) {
        const { agentList: [{ id: agentId }] } = config();
        return { message: { sender: { id: "", roles: [] }, channelId, guildId }, agentId };
      }
      const message = messageOf({ sender }, "", { seconds: 0 });
      return { message, agentId: routeOf(account, message).agentId };
    }

    function deps(): TalkDeps {
      const { realtime: server } = settings.speech;
      const microsOf = (seconds: number) => microsOfAudio(seconds, server?.price);
      const by = server && { modelId: server.modelId, microsOf };
      return {
        ...{ harmlessPart, schedule, now, log },
        async *speak(text, signal, to) {
          const { voice } = settings.speech;
          if (!voice) throw new FileError("`audio.speak` names no model");
          const correct = await audio.reserve(voice, text.length / CHARS_PER_SEC, payerOf(to));
          let ms = 0;
          try {
            for await (const pcm of voice.speakPcm(spokenText(text), signal)) {
              ms += msOf(pcm);
              yield pcm;
            }
          } finally {
            correct(ms / 1_000);
          }
        },
        async transcribe({ seconds, ...sound }, from, signal) {
          const { transcription: by } = settings.speech;
          if (!by) throw new FileError("`audio.transcribe` names no model");
          await audio.reserve(by, seconds, payerOf(from));
          return await by.transcribe(sound, signal);
        },
        realtime: by && {
          server,
          pauseMs: config().voice?.pauseMs ?? PAUSE_MS,
          reserve: (seconds, sender) => audio.reserve(by, seconds, payerOf(sender)),
          count: (seconds, sender) => audio.record(by, seconds, now(), payerOf(sender)),
        },
        async ask(speaker, text, spoken, naming) {
          const message = messageOf(speaker, text, spoken);
          naming?.(message.id);
          const judged = [{
            ...judge(account, message, { isUnproxied: true }, "not_live"),
            ...{ message, route: routeOf(account, message) },
          }];
          const waiting = { ...config().messages.queue, isOwner: () => false };
          const batch = { accountId, judged, echoes: [], guilds: [], waiting };
          const { accepted } = await store.inbox.acceptBatch(batch, now());
          wakeTurns(account);
          return accepted.length > 0;
        },
        names: () => [
          ...config().agentList.flatMap(({ name }) => name ?? []),
          account.self()?.username ?? "",
          ...config().voice?.names ?? [],
        ],
        tell(text) {
          posted(channelId, text).catch((error: unknown) =>
            log.warn("Cannot post a line of a call", { error })
          );
        },
        minutes: config().voice?.transcript ? minutes() : undefined,
      };
    }

    async function posted(
      to: ChannelId,
      text: string,
      further: Pick<OutboundMessage, "isUnkept" | "saidBy" | "suppressesEmbeds"> = {},
    ): Promise<void> {
      const frozen = freezeUnprompted({ accountId, channelId: to, guildId, ...noticeBody(text) })
        .map((one) => ({ ...one, message: { ...one.message, ...further } }));
      await store.outbox.addAll(frozen, now());
      wakeChannels(account, [to]);
    }

    function minutes() {
      let thread: Promise<ChannelId> | undefined;
      const own = createMinutes({
        ...{ schedule, log, boundary: account.randomId },
        cleanSecrets: (text) => cleanSecrets(account, text),
        async thread() {
          const to = await (thread ??= threadOf());
          const further = { isUnkept: true, suppressesEmbeds: true } as const; // people and a model write it
          return (content, saidBy) => posted(to, content, { ...further, saidBy });
        },
        async summarise(request) {
          const { agentId } = payerOf(undefined);
          const rules = { kind: "summary", by: ofAgent(agentId), spend, now } as const;
          const model = meteredModel(settings.models.of(agentId), rules);
          const signal = AbortSignal.any([stopping, AbortSignal.timeout(SUMMARY_MS)]);
          return await askForText(model, request, signal);
        },
      });
      const add = ({ sender, displayName }: CallSpeaker, text: string) =>
        own.add(sender.id, displayName ?? sender.username, text);
      return { ...own, add };
    }

    /** Opens the thread; the chat of a voice channel may not have any, and gets the minutes then. */
    async function threadOf(): Promise<ChannelId> {
      const { channel } = placeOfTarget(guildId, { channelId }, reader.index.get(guildId));
      const name = `Minutes of the call in ${channel.name}`.slice(0, 100);
      const body = { name, type: 11, autoArchiveDuration: ARCHIVE_MIN };
      try {
        const answer = await rest.request("POST", `/channels/${channelId}/threads`, { body });
        const id = isRecord(answer) ? parseSnowflake<"channel">(String(answer["id"])) : undefined;
        return id ?? channelId;
      } catch (error) {
        if (!isRefused(error)) throw error;
        return channelId;
      }
    }
  }

  const speechOf: SpeechOf = (turn) => open.get(turn.message.channelId)?.speechOf(turn);
  return { talk, speechOf };
}
