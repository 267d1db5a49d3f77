/**
 * Writes the value of a health check for people; JSON and metrics keep the machine's values.
 *
 * @module
 */

import { durationText } from "../lib/text/units.ts";
import type { Check } from "./check.ts";

/** The observed part of a check. */
export type Observed = Pick<Check, "name" | "observedValue" | "observedUnit">;

const CONNECTION: Readonly<Record<string, string>> = {
  connecting: "connecting",
  identifying: "starting a session",
  resuming: "resuming its session",
  backoff: "waiting before the next attempt",
  ready: "connected",
  fatal: "Discord refuses the connection",
  down: "not connected: many attempts have failed",
  disabled: "disabled by the config",
};

/** Texts for checks whose value and unit are not enough. */
const TEXTS: Readonly<Record<string, (value: number) => string>> = {
  "gateway:heartbeatAckAge": (seconds) => `${spanText(seconds * 1_000)} ago`,
  "gateway:identifyBudget": (left) => `${left} sessions left for 24 h`,
  "gateway:catchUp": (channels) =>
    channels === 0 ? "complete" : `${counted(channels, "channels")} still to read`,
  "inbox:oldest": waitText,
  "outbox:oldest": waitText,
};

/** The value with its unit: `"connected"`, `"78 MiB"`, `"3 ms"`, `"2 min ago"`. */
export function checkText({ name, observedValue, observedUnit }: Observed): string {
  if (typeof observedValue === "string") return wordText(name, observedValue);
  const text = Object.hasOwn(TEXTS, name) ? TEXTS[name] : undefined;
  if (text) return text(observedValue);
  switch (observedUnit) {
    case "s":
      return spanText(observedValue * 1_000);
    case "ms":
      return spanText(observedValue);
    case "bytes":
      return `${Math.round(observedValue / 2 ** 20)} MiB`;
    case undefined:
      return `${rounded(observedValue)}`;
    default:
      return counted(rounded(observedValue), observedUnit);
  }
}

function wordText(name: string, value: string): string {
  if (name.startsWith("llm:")) {
    // The words of a circuit breaker, in which "closed" is the good one.
    return value === "closed" ? "available" : value === "open" ? "its last requests failed" : value;
  }
  if (name === "gateway:connection" && Object.hasOwn(CONNECTION, value)) {
    return CONNECTION[value] ?? value;
  }
  return name === "gateway:compression" && value === "none" ? "off" : value;
}

/** `"3 ms"`, `"1.5 s"`, `"2 min"`. */
function spanText(ms: number): string {
  if (ms < 1_000) return `${rounded(ms)} ms`;
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : durationText(ms);
}

function waitText(seconds: number): string {
  return seconds === 0 ? "nothing waits" : `waits for ${spanText(seconds * 1_000)}`;
}

/** `"1 message"`, `"2 messages"`. */
function counted(count: number, unit: string): string {
  return `${count} ${count === 1 ? unit.replace(/s$/, "") : unit}`;
}

/** Whole from 10 on; otherwise one decimal. */
function rounded(value: number): number {
  return value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
}
