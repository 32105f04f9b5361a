/** Where a view works: its calls are for the project that it shows, also when the page has moved on. */

import type { Client, GlanceImage, ScopedProject, UserSession } from "@polaris-bff/client"

import { clientOf } from "./api"

export interface Workplace {
  readonly project: ScopedProject
  readonly calls: Client["compute"]["image"]
  /** Whether changes of an image are offered: those of its owner, or all to an administrator. */
  mayChange(image: GlanceImage): boolean
}

// The views of one session share a client, so that what they ask for at one time is one request.
const known = new WeakMap<UserSession, Workplace>()

/** Returns where a session works, nothing while it has no project. */
export function workplaceOf(session: UserSession): Workplace | undefined {
  const { project, roles } = session
  if (!project) return undefined
  const place = known.get(session) ?? {
    project,
    calls: clientOf(session).compute.image,
    mayChange: ({ owner }) => owner === project.id || roles.includes("admin"),
  }
  known.set(session, place)
  return place
}
