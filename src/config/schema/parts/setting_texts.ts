/**
 * Keys of `messages.texts`: answers to commands that change settings, and to `/approve`.
 *
 * @module
 */

import { sentence } from "./sentence.ts";

/** These keys. */
export const settingTexts = () => ({
  settingNow: sentence("settingNow", "`/{name}`: `{value}`. Es geht auch: {values}"),
  settingChosen: sentence("settingChosen", "`/{name}` ist hier jetzt `{value}`."),
  thinkRefused: sentence("thinkRefused", "Das nimmt `{model}` nicht: {level}"),
  thinkLater: sentence("thinkLater", "Ob `{model}` das nimmt, sagt danach `/think`."),
  thinkingShown: sentence("thinkingShown", "Gedacht habe ich:"),
  stepDone: sentence("stepDone", "`{tool}` benutzt"),
  stepFailed: sentence("stepFailed", "`{tool}` ging nicht"),
  stepsMore: sentence("stepsMore", "und {count} weitere"),
  activationInServers: sentence("activationInServers", "`/activation` geht nur auf Servern."),
  restarting: sentence("restarting", "Bin gleich wieder da."),
  restarted: sentence("restarted", "Ich bin neu gestartet."),
  restartRefused: sentence("restartRefused", "Mich startet niemand wieder: `BARNACLE_SUPERVISED`"),
  approvalsNone: sentence("approvalsNone", "Nichts wartet auf dich."),
  approvals: sentence("approvals", "Diese Befehle warten auf dich:"),
  approvalUnknown: sentence("approvalUnknown", "`{id}` wartet nicht auf dich."),
  approvalNoChoice: sentence("approvalNoChoice", "`{id}` geht so nicht."),
} as const);
