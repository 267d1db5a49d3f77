/**
 * The parts of the checks of `barnacle doctor`.
 *
 * @module
 */

/** All parts. */
export const DOCTOR_PARTS = ["discord", "host", "mcp", "model"] as const;

/** A part of the checks. */
export type DoctorPart = (typeof DOCTOR_PARTS)[number];
