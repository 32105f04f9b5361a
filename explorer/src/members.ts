/** With whom an image is shared, and the answer of the project that it was offered to. */

import {
  type GlanceImage,
  type ImageMember,
  MEMBER_STATUSES,
  type Project,
} from "@polaris-bff/client"

import { asking, button, byUse, type Child, fill, h, labelled, refill, uniqueId } from "./dom"
import { attempt, say, troubleView } from "./notice"
import { myProjects, titleOf } from "./session"
import { lookAgain } from "./watching"
import { state, time } from "./words"
import type { Workplace } from "./workplace"

/** Makes the section of an image that says with whom it is shared. */
export function membersView(
  image: GlanceImage,
  place: Workplace,
  share: () => unknown,
): HTMLElement {
  const part = h("div", {}, asking("hint"))
  const section = h("section", { class: "members" }, h("h2", {}, "Sharing"), part)
  const isMine = place.mayChange(image)
  if (image.visibility !== "shared") fill(part, ...notShared(image, isMine && share))
  else void shown(part, () => (isMine ? owned(image, place, part) : offered(image, place, part)))
  return section
}

function notShared({ visibility }: GlanceImage, share: false | (() => unknown)): Child[] {
  const words = `It is ${visibility}. Only a shared image is offered to single projects.`
  return [h("p", { class: "hint" }, words), share && button("Make it shared", share)]
}

/** Shows what has to be asked for, or why it could not be. */
async function shown(part: HTMLElement, work: () => Promise<void>): Promise<void> {
  const again = button("Try again", () => shown(part, work))
  await work().catch((error: unknown) =>
    fill(part, troubleView("It could not be read with whom it is shared", error, again)),
  )
}

/** For the owner: the members, and a form for another one. */
async function owned(image: GlanceImage, place: Workplace, part: HTMLElement): Promise<void> {
  const { listImageMembers, createImageMember, deleteImageMember } = place.calls
  const imageId = image.id
  let members = await listImageMembers.query({ imageId })
  const table = h("div", {}, ...memberTable(members, remove))
  fill(part, table, addForm(image, add))
  lookAgain({
    element: table,
    isDue: () => members.some(({ status }) => status === "pending"),
    look,
  })

  /** Looks who has answered meanwhile; what somebody types into the form stays. */
  async function look(): Promise<boolean> {
    const before = JSON.stringify(members)
    members = await listImageMembers.query({ imageId })
    const isOther = before !== JSON.stringify(members)
    if (isOther) refill(table, ...memberTable(members, remove))
    return isOther
  }

  async function again(said: string): Promise<void> {
    await shown(part, () => owned(image, place, part))
    // Not before: whoever reads it may already type into the form that is made anew.
    say(said)
    part.querySelector("input")?.focus()
  }

  function add(member: string): Promise<unknown> {
    return attempt(async () => {
      await createImageMember.mutate({ imageId, member })
      await again(`The image is offered to ${nameOf(member)}.`)
    })
  }

  function remove(memberId: string): Promise<unknown> {
    return attempt(async () => {
      await deleteImageMember.mutate({ imageId, memberId })
      await again(`${nameOf(memberId)} has no access any more.`)
    })
  }
}

function memberTable(
  members: readonly ImageMember[],
  remove: (memberId: string) => unknown,
): HTMLElement[] {
  if (!members.length) return [h("p", { class: "hint" }, "It is offered to nobody yet.")]
  const rows = members.map(({ member_id: id, status, updated_at: updated }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", class: "code" }, nameOf(id)),
      h("td", {}, state(status)),
      h("td", { class: "since" }, time(updated)),
      h(
        "td",
        {},
        button("Remove", () => remove(id), "quiet", { "aria-label": `Remove ${nameOf(id)}` }),
      ),
    ),
  )
  return [
    h("p", { class: "hint", role: "status" }, answers(members)),
    h("table", {}, h("tbody", {}, ...rows)),
  ]
}

/** How the projects have answered, as "1 accepted, 2 pending". */
const answers = (members: readonly ImageMember[]): string =>
  byUse(MEMBER_STATUSES, "accepted")
    .map((word) => [members.filter(({ status }) => status === word).length, word] as const)
    .filter(([count]) => count)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ")

function addForm(image: GlanceImage, add: (member: string) => unknown): HTMLElement {
  const others = myProjects().filter(({ id }) => id !== image.owner)
  const known = h(
    "datalist",
    { id: uniqueId() },
    ...others.map((project) => {
      const isOne = others.filter(({ name }) => name === project.name).length === 1
      return h(
        "option",
        { value: isOne ? project.name : project.id },
        isOne ? project.id : titleOf(project),
      )
    }),
  )
  const member = h("input", {
    required: true,
    list: known.id,
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => complain(""),
  })
  const fault = h("p", { class: "fault", id: uniqueId(), role: "alert" })
  const hint = "The name of one of your projects, or the id of another."
  const field = labelled("Share with a project", member, hint)
  field.append(fault)
  member.setAttribute("aria-describedby", `${member.getAttribute("aria-describedby")} ${fault.id}`)

  function complain(why: string): void {
    fill(fault, why)
    member.setAttribute("aria-invalid", String(why !== ""))
  }

  function submit(event: Event): void {
    event.preventDefault()
    try {
      void add(projectIdOf(member.value.trim(), image.owner))
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error))
      member.focus()
    }
  }

  return h(
    "form",
    { class: "share", onsubmit: submit },
    field,
    known,
    h("button", { type: "submit" }, "Share"),
  )
}

// Keystone makes ids of this form (uuid4().hex). Glance takes any word, and shares with nobody then.
const PROJECT_ID = /^[0-9a-f]{32}$/

/**
 * Returns the id of the project that somebody named.
 *
 * @throws {Error} it may be none, or several, or the image's own.
 */
function projectIdOf(word: string, owner: unknown): string {
  const mine = myProjects()
  const named = mine.some(({ id }) => id === word) ? [] : mine.filter(({ name }) => name === word)
  if (named.length > 1) throw new Error(severalAre(word, named))
  const id = named[0]?.id ?? word
  if (id === owner) throw new Error("The image is this project's own.")
  if (mine.some((project) => project.id === id) || PROJECT_ID.test(id)) return id
  throw new Error(
    `“${word}” is none of your projects, and no project's id either: that has 32 digits from 0 to f.` +
      " Ask somebody who works in the project for its id.",
  )
}

const severalAre = (name: string, projects: readonly Project[]): string =>
  `Several of your projects are named “${name}”; give the id: ${projects.map(({ id }) => id).join(", ")}`

/** For a project that it was offered to: its answer. */
async function offered(image: GlanceImage, place: Workplace, part: HTMLElement): Promise<void> {
  const { project, calls } = place
  const one = { imageId: image.id, memberId: project.id }
  const { status } = await calls.getImageMember.query(one)
  fill(
    part,
    h("p", {}, `Offered to ${project.name}: `, state(status)),
    h(
      "div",
      { class: "actions" },
      status !== "accepted" && button("Accept", () => answer("accepted"), "primary"),
      status !== "rejected" && button("Reject", () => answer("rejected")),
    ),
  )

  function answer(status: "accepted" | "rejected"): Promise<unknown> {
    return attempt(async () => {
      await calls.updateImageMember.mutate({ ...one, status })
      await shown(part, () => offered(image, place, part))
      say(
        status === "accepted"
          ? `${project.name} lists the image now.`
          : `${project.name} does not list the image.`,
      )
      part.querySelector("button")?.focus()
    })
  }
}

function nameOf(id: string): string {
  const mine = myProjects().find((project) => project.id === id)
  return mine ? titleOf(mine) : id
}
