/** Connects the parts of an account: this block shows which part handles which event. */

import { endOf, tokenHint, withTokenPlace } from "../account_end.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createOnlineReport, createReachability } from "../../discord/gateway/main/online.ts";
import { createJitPolicy } from "../../host/process/engine_options.ts";
import {
  filesLeftOut,
  filesRefused,
  tellDead,
  tellLoopMuted,
  tellParked,
  tellSetAside,
  tellStopped,
} from "../../flows/owners/delivery_notices.ts";
import { tellModelProblem } from "../../flows/owners/model_notices.ts";
import { namesLookedUp } from "../../flows/owners/owner_ids.ts";
import { ownerReached, ownerRefused } from "../../flows/owners/tell_owners.ts";
import { updateCards } from "../../flows/questions/cards.ts";
import { runEnded, schedules } from "../../flows/schedules/runner.ts";
import type { Parts } from "./parts.ts";

/** Connects each event of the parts with its handler. */
export function connectParts(
  parts: Parts,
  { config: { discord: { accountId, tokenPlace } } }: AccountOptions,
  { health, meter, memory, onOnline, onEnd }: AccountPorts,
): void {
  const { client, connectionState, outbound, inbound, catchUp, turns, duplicates, connection } =
    parts;
  const online = createOnlineReport({
    reader: parts.reader,
    schedule: parts.account.schedule,
    stopping: parts.stopping.signal,
    onOnline: (bot, guilds) =>
      onOnline({ accountId, bot, guilds, models: parts.settings.models.ids }),
  });
  const end: AccountPorts["onEnd"] = (how) => {
    parts.ended.abort(); // before any other part meets the refusal
    onEnd(how);
  };
  const jit = createJitPolicy();
  const noteState = createReachability(outbound.channelQueues.reachable);

  const onStopping = (): void => {
    void catchUp.stop(); // first, as its cancelled request is no failure to report
    client.stop();
  };
  parts.stopping.signal.addEventListener("abort", onStopping, { once: true });
  parts.restEvents.connect({
    request(request) {
      meter.request(request);
      health.setRest(request.status !== undefined && request.status < 500);
    },
    served: outbound.channelQueues.served,
    tokenRefused: () => end({ kind: "refused", hint: tokenHint(tokenPlace) }),
    stopped: (count) => tellStopped(parts.account, count),
  });
  parts.account.events.connect({
    accepted(judged) {
      for (const { message } of judged) parts.media.prefetch(message);
      outbound.accepted(judged);
    },
    touched({ touched, cut, channels }) {
      turns.touched(touched);
      updateCards(parts.account); // those of messages without a turn now
      outbound.cut(cut);
      outbound.channelQueues.wake(channels); // drafts that go, and answers to `stop`
    },
    asked: turns.wake,
    messageChanged: (id) => parts.extras.tell("messageChanged", id),
    committed: connection.committed,
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
    foreign: duplicates.foreign,
    undecided: inbound.undecided,
    unanswered: outbound.progress.unanswered,
    settled(channels, count) {
      meter.settled(count);
      outbound.channelQueues.settled(channels);
    },
    released: turns.wake,
    namesLookedUp: () => namesLookedUp(parts.account),
    personForgotten(userId) {
      parts.intent.forget();
      parts.extras.tell("personForgotten", userId);
    },
    outbox: outbound.channelQueues.wake,
    turnEnded(outcome, ms, modelId) {
      const steps = outcome.kind === "reply" ? outcome.taken?.steps.length ?? 0 : 0;
      memory.turn(steps);
      jit.turn(steps);
      meter.turn(modelId, outcome, ms);
      health.setTurn(outcome, modelId);
      tellModelProblem(parts.account, outcome);
    },
    filesLeftOut: (place) => filesLeftOut(parts.account, place),
    undone: (turnId) => parts.extras.tell("undone", turnId),
    hookEnded: () => parts.extras.tell("hookEnded"),
    hookStored: () => parts.extras.tell("hookStored"),
    privileged: connection.admit,
    delivered(row, delivery) {
      meter.delivery(row, delivery);
      outbound.delivered(row, delivery);
      if (delivery.kind === "created" || delivery.kind === "found") {
        ownerReached(parts.account, row.message.channelId);
      }
      parts.intent.delivered(row, delivery);
      parts.extras.tell("delivered", row, delivery);
    },
    attempted(row) {
      if (row.message.of?.kind === "tool") outbound.sent.attempted(row);
      parts.extras.tell("attempted", row);
    },
    parked(channel) {
      ownerRefused(parts.account, channel);
      tellParked(parts.account, channel);
      updateCards(parts.account); // those whose cards wait there
    },
    setAside: ({ message: { channelId } }, reason) =>
      tellSetAside(parts.account, channelId, reason),
    dead({ message: { channelId, of } }, reason) {
      if (of?.kind === "draft") return; // a failed draft loses no answer
      tellDead(parts.account, channelId, reason);
      if (of) runEnded(parts.account, of.cause);
    },
    filesRefused: (channel) => filesRefused(parts.account, channel),
    loopMuted: (channelId) => tellLoopMuted(parts.account, channelId),
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
      schedules.start(parts.account);
      parts.extras.start();
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
