/** With whom an image is shared, and the answer of the project that it was offered to. */

import type { GlanceImage, ImageMember, Visibility } from "@polaris-bff/client"

import { client } from "./api"
import { button, fill, h, labelled, uniqueId } from "./dom"
import type { Project } from "./images"
import { attempt, say } from "./notice"
import { myProjects } from "./session"
import { state, time } from "./words"

/** Makes the section of an image that says with whom it is shared. */
export function membersView(
  image: GlanceImage,
  project: Project,
  setVisibility: (visibility: Visibility) => Promise<void>,
): HTMLElement {
  const place = h("div", {})
  const section = h("section", { class: "members" }, h("h2", {}, "Sharing"), place)
  if (image.visibility !== "shared") fill(place, ...notShared(image, setVisibility))
  else if (image.owner === project.id) void shownTo(image, place)
  else void offered(image, project, place)
  return section
}

function notShared(
  { visibility }: GlanceImage,
  setVisibility: (visibility: Visibility) => Promise<void>,
): HTMLElement[] {
  const words = `It is ${visibility}. Only a shared image is offered to single projects.`
  return [h("p", { class: "hint" }, words), button("Make it shared", () => setVisibility("shared"))]
}

/** For the owner: the members, and a form for another one. */
async function shownTo({ id: imageId }: GlanceImage, place: HTMLElement): Promise<void> {
  await attempt(async () => {
    const members = await client.compute.image.listImageMembers.query({ imageId })
    fill(place, memberTable(members, remove), addForm(imageId, again))
  })

  async function again(said: string): Promise<void> {
    say(said)
    await shownTo({ id: imageId }, place)
    place.querySelector("input")?.focus()
  }

  function remove(memberId: string): Promise<void> {
    return attempt(async () => {
      await client.compute.image.deleteImageMember.mutate({ imageId, memberId })
      await again(`${nameOf(memberId)} has no access any more.`)
    })
  }
}

function memberTable(
  members: readonly ImageMember[],
  remove: (memberId: string) => Promise<void>,
): HTMLElement {
  if (!members.length) return h("p", { class: "hint" }, "It is offered to nobody yet.")
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
  return h("table", {}, h("tbody", {}, ...rows))
}

function addForm(imageId: string, again: (said: string) => Promise<void>): HTMLElement {
  const known = h(
    "datalist",
    { id: uniqueId() },
    ...myProjects().map(({ id, name }) => h("option", { value: id }, name)),
  )
  const member = h("input", {
    required: true,
    list: known.id,
    autocomplete: "off",
    spellcheck: "false",
  })
  const submit = (event: Event) => {
    event.preventDefault()
    void attempt(async () => {
      await client.compute.image.createImageMember.mutate({ imageId, member: member.value.trim() })
      await again(`The image is offered to ${nameOf(member.value.trim())}.`)
    })
  }
  return h(
    "form",
    { class: "share", onsubmit: submit },
    labelled(
      "Share with a project",
      member,
      "The project's id. Glance does not check that it exists.",
    ),
    known,
    h("button", { type: "submit" }, "Share"),
  )
}

/** For a project that it was offered to: its answer. */
async function offered(
  { id: imageId }: GlanceImage,
  project: Project,
  place: HTMLElement,
): Promise<void> {
  const one = { imageId, memberId: project.id }
  await attempt(async () => {
    const { status } = await client.compute.image.getImageMember.query(one)
    fill(
      place,
      h("p", {}, `Offered to ${project.name}: `, state(status)),
      h(
        "div",
        { class: "actions" },
        status !== "accepted" && button("Accept", () => answer("accepted"), "primary"),
        status !== "rejected" && button("Reject", () => answer("rejected")),
      ),
    )
  })

  function answer(status: "accepted" | "rejected"): Promise<void> {
    return attempt(async () => {
      await client.compute.image.updateImageMember.mutate({ ...one, status })
      say(
        status === "accepted"
          ? `${project.name} lists the image now.`
          : `${project.name} does not list the image.`,
      )
      await offered({ id: imageId }, project, place)
      place.querySelector("button")?.focus()
    })
  }
}

const nameOf = (id: string): string => myProjects().find((project) => project.id === id)?.name ?? id
