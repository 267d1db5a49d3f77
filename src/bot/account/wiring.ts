/** Connects an account with its gateway and its requests: this block shows what handles which event. */

import { endOf, tokenHint, withTokenPlace } from "../account_end.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createReachability } from "../../discord/gateway/main/online.ts";
import { tellStopped } from "../../flows/owners/delivery_notices.ts";
import { catchUpOf } from "../../flows/catch_up/catch_up.ts";
import { queuesOf } from "../../flows/deliver/channel_queues.ts";
import { endInbound, take } from "../../flows/inbound/accept.ts";
import { onlineOf } from "../../flows/inbound/commit.ts";
import { setShardCount, shardReady } from "../../flows/names/name_resolver.ts";
import { refuseAnswer } from "../../flows/inbound/interactions.ts";
import { registerLater, stopRegistering } from "../../flows/register_commands.ts";
import { startExtras } from "../../account/extra_parts.ts";
import { schedules } from "../../flows/schedules/runner.ts";
import type { Parts } from "./parts.ts";

/** Connects each event of the gateway and of requests with its handler. */
export function connectParts(
  parts: Parts,
  { config: { discord: { accountId, tokenPlace } } }: AccountOptions,
  { health, meter, onEnd }: AccountPorts,
): void {
  const { account } = parts;
  const { rest, connection, connectionState } = account;
  const catchUp = catchUpOf(account);
  const end: AccountPorts["onEnd"] = (how) => {
    parts.ended.abort(); // before any other part meets the refusal
    onEnd(how);
  };
  const queues = queuesOf(account);
  const noteState = createReachability(queues.reachable);

  const onStopping = (): void => {
    void endInbound(account);
    void stopRegistering(account);
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
  connection.connect((batch) => take(account, batch), {
    onShards(count) {
      health.setShardCount(count);
      catchUp.setShardCount(count);
      setShardCount(account, count);
    },
    onIntents: connectionState.setUngranted,
    onBudget: health.refresh,
    onState(shardId, state) {
      health.setShard(shardId, state);
      noteState(shardId, state);
      if (state.state !== "ready") return;
      shardReady(account, shardId);
      registerLater(account);
      onlineOf(account).ready();
      schedules.start(account);
      startExtras(account);
    },
    onBeat(shardId, beat) {
      meter.beat(`${accountId}/${shardId}`, beat);
      if (beat.latencyMs !== undefined) health.setLatency(shardId, beat.latencyMs);
    },
    onDelay: health.delayed,
    onRefused: (id) => refuseAnswer(account, id),
    onFinal(final) {
      // An account that gave up without exiting stays, so that health can report it.
      if (final.kind !== "give_up" || final.exit) end(withTokenPlace(final, tokenPlace));
    },
    onFailed: (error) => end(endOf(error, tokenPlace)),
  });
}
