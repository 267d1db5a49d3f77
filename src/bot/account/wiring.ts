/** Connects the parts of an account: this block shows which part handles which event. */

import { endOf, tokenHint, withTokenPlace } from "../account_end.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createOnlineReport, createReachability } from "../../discord/gateway/main/online.ts";
import { tellStopped } from "../../flows/owners/delivery_notices.ts";
import { catchUpOf } from "../../flows/catch_up/catch_up.ts";
import { queuesOf } from "../../flows/deliver/channel_queues.ts";
import { showUnanswered } from "../../flows/inbound/unanswered_reactions.ts";
import { sawForeign } from "../../flows/preflight/duplicate_instance.ts";
import { turnsOf } from "../../flows/turn/account_turns.ts";
import { progressOf } from "../../flows/turn/progress/progress.ts";
import { startExtras } from "../../account/extra_parts.ts";
import { updateCards } from "../../flows/questions/cards.ts";
import { schedules } from "../../flows/schedules/runner.ts";
import type { BotAccount } from "../../account/account.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { Parts } from "./parts.ts";

/** Connects each event of the parts with its handler. */
export function connectParts(
  parts: Parts,
  { config: { discord: { accountId, tokenPlace } } }: AccountOptions,
  { health, meter, onOnline, onEnd }: AccountPorts,
): void {
  const { account, inbound } = parts;
  const { rest, reader, connection, connectionState } = account;
  const catchUp = catchUpOf(account);
  const online = createOnlineReport({
    reader,
    schedule: account.schedule,
    stopping: parts.stopping.signal,
    onOnline: (bot, guilds) =>
      onOnline({ accountId, bot, guilds, models: account.settings.models.ids }),
  });
  const end: AccountPorts["onEnd"] = (how) => {
    parts.ended.abort(); // before any other part meets the refusal
    onEnd(how);
  };
  const queues = queuesOf(account);
  const noteState = createReachability(queues.reachable);

  const onStopping = (): void => {
    void catchUp.stop(); // first, as its cancelled request is no failure to report
    rest.stop();
  };
  parts.stopping.signal.addEventListener("abort", onStopping, { once: true });
  parts.restEvents.connect({
    request(request) {
      meter.request(request);
      health.setRest(request.status !== undefined && request.status < 500);
    },
    served: queues.served,
    tokenRefused: () => end({ kind: "refused", hint: tokenHint(tokenPlace) }),
    stopped: (count) => tellStopped(account, count),
  });
  account.events.connect({
    accepted(judged) {
      for (const { message } of judged) account.parts.media.prefetch(message);
      accepted(account, judged);
    },
    touched({ cut, channels }) {
      turnsOf(account).touched();
      updateCards(account); // those of messages without a turn now
      for (const messageId of cut) progressOf(account).cut(messageId);
      queues.wake(channels); // drafts that go, and answers to `stop`
    },
    sessionDue: catchUp.sessionDue,
    sessionStarting: catchUp.sessionStarting,
    sessionStarted(shardId) {
      inbound.sessionStarted();
      catchUp.sessionStarted(shardId);
      online.changed();
    },
    guildsChanged() {
      catchUp.ready();
      online.changed();
    },
    foreign: (found) => sawForeign(account, found),
    undecided: inbound.undecided,
    unanswered: (messages) => showUnanswered(account, messages),
    settled(channels, count) {
      meter.settled(count);
      queues.settled(channels);
    },
  });
  connection.connect(inbound.take, {
    onShards(count) {
      health.setShardCount(count);
      catchUp.setShardCount(count);
      inbound.setShardCount(count);
    },
    onIntents: connectionState.setUngranted,
    onBudget: health.refresh,
    onState(shardId, state) {
      health.setShard(shardId, state);
      noteState(shardId, state);
      if (state.state !== "ready") return;
      inbound.ready(shardId);
      online.ready();
      schedules.start(account);
      startExtras(account);
    },
    onBeat(shardId, beat) {
      meter.beat(`${accountId}/${shardId}`, beat);
      if (beat.latencyMs !== undefined) health.setLatency(shardId, beat.latencyMs);
    },
    onDelay: health.delayed,
    onRefused: inbound.refused,
    onFinal(final) {
      // An account that gave up without exiting stays, so that health can report it.
      if (final.kind !== "give_up" || final.exit) end(withTokenPlace(final, tokenPlace));
    },
    onFailed: (error) => end(endOf(error, tokenPlace)),
  });
}

/** Messages wait for an answer: they may get a sign that the bot has read them. */
function accepted(account: BotAccount, judged: readonly Judged[]): void {
  for (const { message, verdict } of judged) {
    if (verdict.kind === "accept" && !message.triggered) {
      progressOf(account).accepted(message, verdict.why);
    }
  }
  const channels = new Set(judged.map(({ message: { channelId } }) => channelId));
  for (const channelId of channels) queuesOf(account).heardFrom(channelId);
}
