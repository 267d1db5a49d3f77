/** Faults of the simulated voice servers; a test may change the fields at any time. */

import { type Mode, MODES } from "./packets.ts";

export interface VoiceSwitches {
  /** Percent of the voice packets that are lost, each way. */
  lossPercent: number;
  /** Percent of the voice packets to clients that arrive 50 ms late, and so out of order. */
  latePercent: number;
  /** Whether no UDP passes, IP discovery included. */
  dropsUdp: boolean;
  /** Whether IDENTIFY and RESUME get no answer. */
  swallowReady: boolean;
  /** Whether heartbeats get no answer. */
  swallowAcks: boolean;
  /** Whether RESUME finds no session: close code 4006. */
  forgetsSessions: boolean;
  /** Whether new connections are reset, as by a server that is down. */
  refusesConnections: boolean;
  /** Transport encryptions that READY offers. */
  modes: readonly Mode[];
  /** Whether channels other than stages need end-to-end encryption. */
  isEndToEnd: boolean;
  /** Whether the key of the external sender comes before the session's description. */
  sendsKeyEarly: boolean;
}

export function createVoiceSwitches(): VoiceSwitches {
  return {
    lossPercent: 0,
    latePercent: 0,
    dropsUdp: false,
    swallowReady: false,
    swallowAcks: false,
    forgetsSessions: false,
    refusesConnections: false,
    modes: MODES,
    isEndToEnd: true,
    sendsKeyEarly: false,
  };
}
