/**
 * Checks one account: its connection, its requests and its missing permissions.
 *
 * An ended account is no failure of the bot while another one serves: people see it, but a
 * supervisor restarts nothing.
 *
 * @module
 */

import { pauseText } from "../lib/text/units.ts";
import type { Check, Status } from "./check.ts";
import { connectionChecks, gatewayChecks } from "./gateway_checks.ts";
import type { AccountSnapshot } from "./snapshot.ts";

/**
 * Runs every check of every account; a check of the account as a whole carries its id.
 *
 * @param now Unix time in milliseconds.
 */
export function accountChecks(
  accounts: readonly AccountSnapshot[],
  now: number,
): readonly Check[] {
  const serving = accounts.filter(({ state }) => state === "running").length;
  return accounts.flatMap((account) => {
    // Names a component; with several accounts, the account's id goes first.
    const componentOf = (part: string) => accounts.length === 1 ? part : `${account.id}/${part}`;
    switch (account.state) {
      case "disabled":
        return [disabled(account, serving > 0)];
      case "ended":
        return [
          ...connectionChecks(account, now).map((check) => serving > 0 ? borne(check) : check),
          ended(account, serving > 0),
        ];
      case "running":
        return [
          ...gatewayChecks(account, componentOf, now),
          ...paused(account),
          ...findings(account, componentOf),
          ...parked(account, componentOf),
          ...delayed(account, componentOf),
          invalidRequests(account),
        ];
    }
  });
}

function disabled({ id }: AccountSnapshot, isServed: boolean): Check {
  return {
    name: "gateway:connection",
    componentId: id,
    observedValue: "disabled",
    status: "pass",
    isReady: isServed,
  };
}

function ended({ id, end = "it has ended" }: AccountSnapshot, isServed: boolean): Check {
  return {
    name: "account:ended",
    componentId: id,
    observedValue: end,
    status: isServed ? "warn" : "fail",
    isReady: isServed,
  };
}

/** Turns a failure into a warning if another account serves. */
function borne(check: Check): Check {
  const status: Status = check.status === "pass" ? "pass" : "warn";
  return { ...check, status, isReady: true };
}

/** It answers no one, because people wanted it so: its supervisor must do nothing. */
function paused({ id, paused }: AccountSnapshot): readonly Check[] {
  return paused
    ? [{
      name: "account:paused",
      componentId: id,
      observedValue: pauseText(paused),
      status: "warn",
      isReady: true,
    }]
    : [];
}

/** Problems that explain a silent bot. The other checks show whether it answers. */
function findings(
  { findings }: AccountSnapshot,
  componentOf: (part: string) => string,
): readonly Check[] {
  return findings.map(({ id, where, why }) => ({
    name: `preflight:${id}`,
    ...(where !== undefined && { componentId: componentOf(where) }),
    observedValue: why,
    status: "warn",
    isReady: true,
  }));
}

/** A person must grant a missing permission; meanwhile the bot serves everyone else. */
function parked(
  { parked }: AccountSnapshot,
  componentOf: (part: string) => string,
): readonly Check[] {
  return parked.map(({ channelId, reason, waiting }) => ({
    name: "outbox:parked",
    componentId: componentOf(channelId),
    observedValue: `${waiting} waiting: ${reason}`,
    status: "warn",
    isReady: true,
  }));
}

/** The messages behind it in its channel wait, too. */
function delayed(
  { delayed }: AccountSnapshot,
  componentOf: (part: string) => string,
): readonly Check[] {
  return delayed.map(({ row, channelId, reason, nextAttemptAt }) => ({
    name: "outbox:delayed",
    componentId: componentOf(channelId),
    observedValue: `message ${row}: ${reason}; next attempt ${
      new Date(nextAttemptAt).toISOString()
    }`,
    status: "warn",
    isReady: true,
  }));
}

function invalidRequests({ id, rest: { invalidRequests, breaker } }: AccountSnapshot): Check {
  return {
    name: "rest:invalidRequests",
    componentId: id,
    observedValue: invalidRequests,
    observedUnit: "in 10 min",
    status: breaker === "stopped" ? "fail" : breaker === "slowed" ? "warn" : "pass",
    isReady: breaker !== "stopped",
  };
}
