// Written by `bff types` from the registry and the schemas. Do not edit: run `make docs`.

/** A procedure that only reads. */
export interface Query<Input, Output> {
  readonly kind: "query"
  readonly input: Input
  readonly output: Output
}

/** A procedure that changes something. */
export interface Mutation<Input, Output> {
  readonly kind: "mutation"
  readonly input: Input
  readonly output: Output
}

/** A mutation with a route of its own for files of any size: see `UPLOAD_ROUTES`. */
export interface Upload<Input, Output> extends Mutation<Input, Output> {
  readonly transport: "upload"
}

export const CONTAINER_FORMATS = ["bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed"] as const
export type ContainerFormat = (typeof CONTAINER_FORMATS)[number]

export const DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"] as const
export type DiskFormat = (typeof DISK_FORMATS)[number]

export const ERROR_CODES = ["PARSE_ERROR", "BAD_REQUEST", "NOT_FOUND", "UNAUTHORIZED", "FORBIDDEN", "METHOD_NOT_SUPPORTED", "TIMEOUT", "SESSION_CHANGED", "CONFLICT", "PRECONDITION_FAILED", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "TOO_MANY_REQUESTS", "CLIENT_CLOSED_REQUEST", "INTERNAL_SERVER_ERROR", "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

export const IMAGE_STATUSES = ["queued", "saving", "uploading", "importing", "active", "killed", "deleted", "pending_delete", "deactivated"] as const
export type ImageStatus = (typeof IMAGE_STATUSES)[number]

export const MEMBER_STATUSES = ["pending", "accepted", "rejected"] as const
export type MemberStatus = (typeof MEMBER_STATUSES)[number]

export const OS_TYPES = ["linux", "windows"] as const
export type OsType = (typeof OS_TYPES)[number]

export const SORT_DIRS = ["asc", "desc"] as const
export type SortDir = (typeof SORT_DIRS)[number]

export const SORT_KEYS = ["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"] as const
export type SortKey = (typeof SORT_KEYS)[number]

export const VISIBILITIES = ["public", "private", "shared", "community"] as const
export type Visibility = (typeof VISIBILITIES)[number]

/** Which deactivated images may be used again. */
export interface ActivateImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
}

/** What was done and what was not, or of a dry run, would be; each in the order asked. */
export interface BulkChangeResult {
  /** The images for which it worked. */
  successful: string[]
  /** The images for which it did not. */
  failed: BulkFailure[]
  /** Of a dry run: those of the successful that are so already. Otherwise `null`. */
  unchanged: string[] | null
}

/** An image for which it did not work, and why. */
export interface BulkFailure {
  /** The image's UUID. */
  id: string
  /** The HTTP status of the failure. */
  error: string
  /** The kind of failure, as in `error.data.code`. */
  code: ErrorCode
  /** The failure in words. */
  message: string
}

/** What was done and what was not, each in the order asked. */
export interface BulkOperationResult {
  /** The images for which it worked. */
  successful: string[]
  /** The images for which it did not. */
  failed: BulkFailure[]
}

/** Whose password, the one that is known, and the one to be. */
export interface ChangePasswordInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The user's name. */
  user?: string | null | undefined
  /** The user's id, instead of the name. */
  userId?: string | null | undefined
  /**
   * The name of the user's domain.
   * @default "Default"
   */
  domainName?: string | undefined
  /** The id of the user's domain, instead of its name. */
  userDomainId?: string | null | undefined
  /** The password so far; it may have expired. */
  password: string
  /** The password to be. */
  newPassword: string
}

/** What the images that are counted must be like. */
export interface CountImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The exact name; or several, as `in:first,second`. */
  name?: string | null | undefined
  /** The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given. */
  ids?: string[] | null | undefined
  /** Images in this state, or in one of several. */
  status?: ImageStatus | ImageStatus[] | null | undefined
  /** Images that may be seen so; `all` adds the community's. */
  visibility?: "public" | "private" | "shared" | "community" | "all" | null | undefined
  /** The id of the owning project. */
  owner?: string | null | undefined
  /** Images that can or cannot be deleted. */
  protected?: boolean | null | undefined
  /** Images with this container, or with one of several. */
  container_format?: ContainerFormat | (string & {}) | (ContainerFormat | (string & {}))[] | null | undefined
  /** Images of this format, or of one of several. */
  disk_format?: DiskFormat | (string & {}) | (DiskFormat | (string & {}))[] | null | undefined
  /** At least so many bytes. */
  size_min?: number | null | undefined
  /** At most so many bytes. */
  size_max?: number | null | undefined
  /** Exactly this requirement, in MiB. */
  min_ram?: number | null | undefined
  /** Exactly this requirement, in GiB. */
  min_disk?: number | null | undefined
  /** A tag, or several that must all be there. */
  tag?: string | string[] | null | undefined
  /** Means the same as `tag`. */
  tags?: string | string[] | null | undefined
  /** Images with this operating system. */
  os_type?: OsType | (string & {}) | null | undefined
  /** Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`. */
  properties?: Record<string, string> | null | undefined
  /** True lists the hidden images instead. */
  os_hidden?: boolean | null | undefined
  /** For images that are shared with this project. */
  member_status?: "pending" | "accepted" | "rejected" | "all" | null | undefined
  /** A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000. */
  search?: string | null | undefined
  /** Images that other projects share with this one, by how it answered; its own are not among them. */
  offered?: "pending" | "accepted" | "rejected" | "all" | null | undefined
  /** As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`. */
  created_at?: string | string[] | null | undefined
  /** As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`. */
  updated_at?: string | string[] | null | undefined
}

/**
 * An image's metadata: the parameters named here, and any property of the image's own.
 *
 * A property's name is one that Glance does not reserve, its value a string.
 */
export interface CreateImageInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** What people call it; need not be unique. */
  name?: string | null | undefined
  /** The id to give it; Glance makes one otherwise. */
  id?: string | null | undefined
  /** What is around the disk; needed before an upload. */
  container_format?: ContainerFormat | (string & {}) | null | undefined
  /** How the disk is written; needed before an upload. */
  disk_format?: DiskFormat | (string & {}) | null | undefined
  /**
   * Who may see it.
   * @default "private"
   */
  visibility?: Visibility | undefined
  /**
   * Whether it cannot be deleted.
   * @default false
   */
  protected?: boolean | undefined
  /**
   * The memory it needs to boot, in MiB.
   * @default 0
   */
  min_ram?: number | undefined
  /**
   * The disk it needs to boot, in GiB.
   * @default 0
   */
  min_disk?: number | undefined
  /**
   * Words that describe it; at most 255 characters each.
   * @default []
   */
  tags?: string[] | undefined
  /** The kind of operating system. */
  os_type?: OsType | (string & {}) | null | undefined
  /** The distribution's name, as libosinfo has it. */
  os_distro?: string | null | undefined
  /** The version, as the distribution writes it. */
  os_version?: string | null | undefined
  /** The CPU's architecture, as `x86_64`. */
  architecture?: string | null | undefined
  /**
   * Whether lists leave it out by default.
   * @default false
   */
  os_hidden?: boolean | undefined
  /** The bus of its disks, as `virtio`. */
  hw_disk_bus?: string | null | undefined
  /** The SCSI controller, as `virtio-scsi`, when the bus is `scsi`. */
  hw_scsi_model?: string | null | undefined
  /** The serial number that the guest sees. */
  hw_serial?: string | null | undefined
  /** Whether QEMU's agent runs in the guest. Stored by Glance as the string `yes` or `no`. */
  hw_qemu_guest_agent?: boolean | null | undefined
  /** The network card, as `virtio`. */
  hw_vif_model?: string | null | undefined
  /** The source of randomness, as `virtio`. */
  hw_rng_model?: string | null | undefined
  /** The machine that is emulated, as `q35`. */
  hw_machine_type?: string | null | undefined
}

/** With which project to share an image. */
export interface CreateImageMemberInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** The id of the project to share with. */
  member: string
}

/**
 * How to sign in, and where to work; without a project the session has none yet.
 *
 * There are four ways: `password` with a user, and with a `passcode` too where the user's rules
 * ask for one; `passcode` alone, after an answer that asked for it; an application credential; a
 * token.
 */
export interface CreateUserSessionInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The user's name. */
  user?: string | null | undefined
  /** The user's id, instead of the name. */
  userId?: string | null | undefined
  /**
   * The name of the user's domain.
   * @default "Default"
   */
  domainName?: string | undefined
  /** The id of the user's domain, instead of its name. */
  userDomainId?: string | null | undefined
  /** The user's password. */
  password?: string | null | undefined
  /** The second factor (TOTP): beside user and password; or alone, in the browser that was just answered `SECOND_FACTOR_REQUIRED`. */
  passcode?: string | null | undefined
  /** An application credential's id. It brings its project along. */
  applicationCredentialId?: string | null | undefined
  /** An application credential's name, instead of its id; with its user. */
  applicationCredentialName?: string | null | undefined
  /** The application credential's secret. */
  applicationCredentialSecret?: string | null | undefined
  /** A Keystone token, as a single sign-on brings it. The session is this token's: signing out revokes it. */
  token?: string | null | undefined
  /** A project's name. */
  projectName?: string | null | undefined
  /** A project's id, instead of its name. */
  projectId?: string | null | undefined
  /** The name of the domain of `projectName`; without it, the user's domain. */
  projectDomainName?: string | null | undefined
  /** The id of the domain of `projectName`, instead of its name. */
  projectDomainId?: string | null | undefined
}

/** Which image nobody may boot or download any more. */
export interface DeactivateImageInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
}

/** Which images nobody may boot or download any more. */
export interface DeactivateImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
}

/** Which image to delete. */
export interface DeleteImageInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
}

/** With which project not to share an image any more. */
export interface DeleteImageMemberInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** The member's project id. */
  memberId: string
}

/** Which images to delete. */
export interface DeleteImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
}

/** A Keystone domain. */
export interface Domain {
  /** The domain's id. */
  id: string
  /** The domain's name. */
  name?: string | null
}

/** Which image to get. */
export interface GetImageByIdInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
}

/** Which member to get. */
export interface GetImageMemberInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** The member's project id. */
  memberId: string
}

/**
 * An image as Glance describes it; its own properties stand beside the base ones, as strings.
 *
 * A queued image has explicit nulls where nothing is known yet. Source: Glance,
 * `glance/api/v2/images.py`, `get_base_properties`.
 */
export interface GlanceImage {
  /** The image's UUID. */
  id: string
  /** What people call it; need not be unique. */
  name?: string | null
  /** Where it is in its life; only `active` can be booted. */
  status?: ImageStatus | null
  /** Who may see it. */
  visibility?: Visibility | null
  /** Whether it cannot be deleted. */
  protected?: boolean | null
  /** What is around the disk. */
  container_format?: ContainerFormat | null
  /** How the disk is written. */
  disk_format?: DiskFormat | null
  /** The size of the data in bytes. */
  size?: number | null
  /** The size of the disk in bytes. */
  virtual_size?: number | null
  /** The memory it needs to boot, in MiB. */
  min_ram?: number | null
  /** The disk it needs to boot, in GiB. */
  min_disk?: number | null
  /** ISO 8601, UTC. */
  created_at?: string | null
  /** ISO 8601, UTC. */
  updated_at?: string | null
  /** The id of the project that owns it. */
  owner?: string | null
  /** Words that describe it, in no order. */
  tags?: string[]
  /** The MD5 of the data, in hexadecimal. */
  checksum?: string | null
  /** The algorithm of `os_hash_value`. */
  os_hash_algo?: string | null
  /** The data's digest by `os_hash_algo`. */
  os_hash_value?: string | null
  /** Whether lists leave it out by default. */
  os_hidden?: boolean | null
  [property: string]: unknown
}

/** A project that was given access to a shared image, and what it thinks of it. */
export interface ImageMember {
  /** The project's id. */
  member_id: string
  /** The image's UUID. */
  image_id: string
  /** Whether the project wants it in its lists. */
  status: MemberStatus
  /** ISO 8601, UTC. */
  created_at: string
  /** ISO 8601, UTC. */
  updated_at: string
  /** Glance's schema of a member. */
  schema?: string | null
  [property: string]: unknown
}

/** How many images match. */
export interface ImagesCount {
  /** The images that match, of those looked at. */
  count: number
  /** Whether all were looked at; else at least so many match. */
  complete: boolean
}

/** Filters, or the link to a page; a link already holds every filter and wins over them. */
export interface ImagesPaginatedInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The exact name; or several, as `in:first,second`. */
  name?: string | null | undefined
  /** The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given. */
  ids?: string[] | null | undefined
  /** Images in this state, or in one of several. */
  status?: ImageStatus | ImageStatus[] | null | undefined
  /** Images that may be seen so; `all` adds the community's. */
  visibility?: "public" | "private" | "shared" | "community" | "all" | null | undefined
  /** The id of the owning project. */
  owner?: string | null | undefined
  /** Images that can or cannot be deleted. */
  protected?: boolean | null | undefined
  /** Images with this container, or with one of several. */
  container_format?: ContainerFormat | (string & {}) | (ContainerFormat | (string & {}))[] | null | undefined
  /** Images of this format, or of one of several. */
  disk_format?: DiskFormat | (string & {}) | (DiskFormat | (string & {}))[] | null | undefined
  /** At least so many bytes. */
  size_min?: number | null | undefined
  /** At most so many bytes. */
  size_max?: number | null | undefined
  /** Exactly this requirement, in MiB. */
  min_ram?: number | null | undefined
  /** Exactly this requirement, in GiB. */
  min_disk?: number | null | undefined
  /** A tag, or several that must all be there. */
  tag?: string | string[] | null | undefined
  /** Means the same as `tag`. */
  tags?: string | string[] | null | undefined
  /** Images with this operating system. */
  os_type?: OsType | (string & {}) | null | undefined
  /** Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`. */
  properties?: Record<string, string> | null | undefined
  /** True lists the hidden images instead. */
  os_hidden?: boolean | null | undefined
  /** For images that are shared with this project. */
  member_status?: "pending" | "accepted" | "rejected" | "all" | null | undefined
  /** A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000. */
  search?: string | null | undefined
  /** Images that other projects share with this one, by how it answered; its own are not among them. */
  offered?: "pending" | "accepted" | "rejected" | "all" | null | undefined
  /** As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`. */
  created_at?: string | string[] | null | undefined
  /** As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`. */
  updated_at?: string | string[] | null | undefined
  /** Legacy order; `sort` wins over it. */
  sort_key?: SortKey | null | undefined
  /** Legacy direction; `sort` wins over it. */
  sort_dir?: SortDir | null | undefined
  /** Terms `key:direction`, joined by commas. Without any order: created_at:desc. */
  sort?: string | null | undefined
  /** The most images to return. */
  limit?: number | null | undefined
  /** Begin after the image with this id. */
  marker?: string | null | undefined
  /** `first` of an earlier answer. */
  first?: string | null | undefined
  /** `next` of an earlier answer. */
  next?: string | null | undefined
}

/** One page of images and the links to the next and the first page. */
export interface ImagesPaginatedResponse {
  /** The images of this page. */
  images: GlanceImage[]
  /** Give it back as `first` for the first page. */
  first?: string | null
  /** Give it back as `next`; absent on the last page, and only there: a page of a search may be short or empty and have a next one. */
  next?: string | null
  /** How many images were looked at for this page, where they are searched; absent elsewhere. */
  looked_at?: number | null
  /** Glance's schema of a list. */
  schema?: string | null
}

/** One step of a patch; what its `op` does not use is ignored (RFC 6902, section 4). */
export interface JSONPatchOperation {
  /** What to do. */
  op: "add" | "remove" | "replace" | "move" | "copy" | "test"
  /** Where: a JSON Pointer, as `/name` or `/tags/-`. */
  path: string
  /** For `add`, `replace` and `test`: the value. */
  value?: unknown
  /** For `move` and `copy`: where it comes from. */
  from?: string | null | undefined
}

/** Whose members to list. */
export interface ListImageMembersInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
}

/** Filters, order and size of a list of images. */
export interface ListImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The exact name; or several, as `in:first,second`. */
  name?: string | null | undefined
  /** The images with these ids, as `getImageById` would find each, without hidden ones: `visibility` and `member_status` are `all` where they are not given. */
  ids?: string[] | null | undefined
  /** Images in this state, or in one of several. */
  status?: ImageStatus | ImageStatus[] | null | undefined
  /** Images that may be seen so; `all` adds the community's. */
  visibility?: "public" | "private" | "shared" | "community" | "all" | null | undefined
  /** The id of the owning project. */
  owner?: string | null | undefined
  /** Images that can or cannot be deleted. */
  protected?: boolean | null | undefined
  /** Images with this container, or with one of several. */
  container_format?: ContainerFormat | (string & {}) | (ContainerFormat | (string & {}))[] | null | undefined
  /** Images of this format, or of one of several. */
  disk_format?: DiskFormat | (string & {}) | (DiskFormat | (string & {}))[] | null | undefined
  /** At least so many bytes. */
  size_min?: number | null | undefined
  /** At most so many bytes. */
  size_max?: number | null | undefined
  /** Exactly this requirement, in MiB. */
  min_ram?: number | null | undefined
  /** Exactly this requirement, in GiB. */
  min_disk?: number | null | undefined
  /** A tag, or several that must all be there. */
  tag?: string | string[] | null | undefined
  /** Means the same as `tag`. */
  tags?: string | string[] | null | undefined
  /** Images with this operating system. */
  os_type?: OsType | (string & {}) | null | undefined
  /** Images whose properties have exactly these values, as `{"os_distro": "ubuntu"}`. */
  properties?: Record<string, string> | null | undefined
  /** True lists the hidden images instead. */
  os_hidden?: boolean | null | undefined
  /** For images that are shared with this project. */
  member_status?: "pending" | "accepted" | "rejected" | "all" | null | undefined
  /** A part of the name, the id or a tag, in letters of any case. A page looks at 500 images at most, a list or a count at 20,000. */
  search?: string | null | undefined
  /** Images that other projects share with this one, by how it answered; its own are not among them. */
  offered?: "pending" | "accepted" | "rejected" | "all" | null | undefined
  /** As `gte:2026-01-31T12:00:00Z`; or a from and a to: `["gte:2026-01-01T00:00:00Z", "lt:2026-02-01T00:00:00Z"]`. */
  created_at?: string | string[] | null | undefined
  /** As `lt:2026-01-31T12:00:00Z`; or a from and a to, as `created_at`. */
  updated_at?: string | string[] | null | undefined
  /** Legacy order; `sort` wins over it. */
  sort_key?: SortKey | null | undefined
  /** Legacy direction; `sort` wins over it. */
  sort_dir?: SortDir | null | undefined
  /** Terms `key:direction`, joined by commas. Without any order: created_at:desc. */
  sort?: string | null | undefined
  /** The most images to return. */
  limit?: number | null | undefined
  /** Begin after the image with this id. */
  marker?: string | null | undefined
}

/** Which of the user's projects; all of them, when nothing is said. */
export interface ListProjectsInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The exact name; each domain may have one. */
  name?: string | null | undefined
  /** A part of the name or the id, in letters of any case. */
  search?: string | null | undefined
  /** The id of the domain that they belong to. */
  domainId?: string | null | undefined
}

/** The input of a procedure that takes none. */
export interface NoInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
}

/** A project in which the user may work. */
export interface Project {
  /** The project's id. */
  id: string
  /** The project's name. */
  name: string
  /** What it is for. */
  description?: string | null
  /** Whether it can be worked in. */
  enabled?: boolean
  /** The id of its domain. */
  domainId?: string | null
  /** The name of its domain; `null` where Keystone does not tell it. */
  domainName?: string | null
}

/** Which deactivated image may be used again. */
export interface ReactivateImageInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
}

/** The project in which the session works. */
export interface ScopedProject {
  /** The project's id. */
  id: string
  /** The project's name. */
  name: string
  /** The domain that the project belongs to. */
  domain: Domain
}

/** Where the session works from now on. */
export interface SetCurrentScopeInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The kind of scope. */
  type: "project" | "domain" | "unscoped"
  /** For `project`: its id. */
  projectId?: string | null | undefined
  /** For `domain`: its id. */
  domainId?: string | null | undefined
}

/** An image that was not shared with a project, and why. */
export interface ShareFailure {
  /** The image's UUID. */
  id: string
  /** The HTTP status of the failure. */
  error: string
  /** The kind of failure, as in `error.data.code`. */
  code: ErrorCode
  /** The failure in words. */
  message: string
  /** The project's id. */
  member: string
}

/** Which images to share, and with which projects: each of them with each. */
export interface ShareImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
  /**
   * Change nothing, and answer what would be done, as far as can be seen.
   * @default false
   */
  dryRun?: boolean | undefined
  /** The ids of the projects to share with. Images times projects are at most 1000. */
  members: string[]
  /**
   * Accept at once where the caller may: as the project itself, or by the site's policy. The others have yet to accept.
   * @default false
   */
  accept?: boolean | undefined
}

/** What was shared and what was not, or of a dry run, would be; each in the order asked. */
export interface ShareImagesResult {
  /** The images that are shared with every one of the projects. */
  successful: string[]
  /** Each image and project for which it did not work. */
  failed: ShareFailure[]
  /** Of a dry run: those of the successful that are so already. Otherwise `null`. */
  unchanged: string[] | null
}

/** Which tags to add to which images. */
export interface TagImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
  /**
   * Change nothing, and answer what would be done, as far as can be seen.
   * @default false
   */
  dryRun?: boolean | undefined
  /** The tags. Images times tags are at most 1000. */
  tags: string[]
}

/** Which tags to remove from which images. */
export interface UntagImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
  /**
   * Change nothing, and answer what would be done, as far as can be seen.
   * @default false
   */
  dryRun?: boolean | undefined
  /** The tags. Images times tags are at most 1000. */
  tags: string[]
}

/** Which image to change, and how: all operations or none of them. */
export interface UpdateImageInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** JSON Patch (RFC 6902), applied in this order. */
  operations: JSONPatchOperation[]
}

/** What the member decided. */
export interface UpdateImageMemberInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** The member's project id. */
  memberId: string
  /** Whether the member wants the image in its lists. */
  status: MemberStatus
}

/** Which image is to be seen by whom. */
export interface UpdateImageVisibilityInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** Who may see it. */
  visibility: Visibility
}

/** Which images to change, and how: for each, all operations or none of them. */
export interface UpdateImagesInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The images' UUIDs, at most 1000; of none, nothing is done. */
  imageIds: string[]
  /**
   * Change nothing, and answer what would be done, as far as can be seen.
   * @default false
   */
  dryRun?: boolean | undefined
  /** JSON Patch (RFC 6902), applied in this order to each image; at most 65536 bytes. Images times operations are at most 10000. */
  operations: JSONPatchOperation[]
}

/** Which image to fill, and with what. */
export interface UploadImageInput {
  /** Run in this project instead of the session's own; never sent to Glance. */
  project_id?: string | null | undefined
  /** The image's UUID. */
  imageId: string
  /** The data in base64; more of it goes through the upload route. */
  file: string
}

/** The image has all of its data and is `active`. */
export interface UploadResult {
  /** Always true: a failure is an error. */
  success: boolean
  /** The image's UUID. */
  imageId: string
}

/** Who is signed in. */
export interface User {
  /** The user's id. */
  id: string
  /** The user's name. */
  name: string
  /** The domain that the user belongs to. */
  domain: Domain
}

/** A session as its owner may see it: everything but the token. */
export interface UserSession {
  /** Whose session it is. */
  user: User
  /** `null` while no project is chosen. */
  project: ScopedProject | null
  /** Set when the scope is a domain. */
  domain: Domain | null
  /** The names of the user's roles in this scope. */
  roles: string[]
  /** When to sign in again (UTC). */
  expiresAt: string
}

/** Every procedure, by the parts of its name. */
export interface Router {
  auth: {
    /**
     * Sign in, with a password or otherwise; the browser keeps the session in a sealed cookie.
     *
     * Errors of its own: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, TOO_MANY_REQUESTS, UNAUTHORIZED.
     */
    createUserSession: Mutation<CreateUserSessionInput, UserSession>
    /**
     * Change a user's password, also one that has expired; it ends all sessions of the user.
     *
     * Errors of its own: BAD_REQUEST, TOO_MANY_REQUESTS, UNAUTHORIZED.
     */
    changePassword: Mutation<ChangePasswordInput, boolean>
    /**
     * Return the session that this request belongs to, `null` when there is none.
     *
     * Errors of its own: FORBIDDEN, SESSION_CHANGED.
     */
    getCurrentUserSession: Query<NoInput, UserSession | null>
    /**
     * Return the projects in which the user has a role, or those of them that are asked for.
     *
     * Errors of its own: UNAUTHORIZED.
     */
    listProjects: Query<ListProjectsInput, Project[]>
    /**
     * Let the session work in another project or domain from the next request on.
     *
     * Errors of its own: BAD_GATEWAY, BAD_REQUEST, FORBIDDEN, UNAUTHORIZED.
     */
    setCurrentScope: Mutation<SetCurrentScopeInput, UserSession>
    /**
     * Sign out: revoke the token at Keystone, with all that came from it, and clear the cookie.
     *
     * Errors of its own: SESSION_CHANGED.
     */
    terminateUserSession: Mutation<NoInput, boolean>
  }
  compute: {
    image: {
      /**
       * Return the images that match; all of them, unless `limit` says how many.
       *
       * Errors of its own: BAD_REQUEST, CONFLICT, FORBIDDEN.
       */
      listImages: Query<ListImagesInput, GlanceImage[]>
      /**
       * Return one page of the images that match, with links to the next and the first page.
       *
       * Of what Glance cannot look for (`search`, `offered`, a from and a to), it has what is among
       * 500 images: the list ends where there is no `next`.
       *
       * Errors of its own: BAD_REQUEST, FORBIDDEN.
       */
      listImagesWithPagination: Query<ImagesPaginatedInput, ImagesPaginatedResponse>
      /**
       * Return one image.
       *
       * Errors of its own: FORBIDDEN, NOT_FOUND.
       */
      getImageById: Query<GetImageByIdInput, GlanceImage>
      /**
       * Make a queued image that has metadata but no data yet.
       *
       * Errors of its own: BAD_REQUEST, CONFLICT, FORBIDDEN, PAYLOAD_TOO_LARGE.
       */
      createImage: Mutation<CreateImageInput, GlanceImage>
      /**
       * Store an image's data, whole or not at all; for files of a few megabytes.
       *
       * Errors of its own: BAD_GATEWAY, BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE.
       */
      uploadImage: Upload<UploadImageInput, UploadResult>
      /**
       * Change an image's metadata by JSON Patch: every operation, or none.
       *
       * Errors of its own: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE.
       */
      updateImage: Mutation<UpdateImageInput, GlanceImage>
      /**
       * Change who may see an image.
       *
       * Errors of its own: BAD_REQUEST, FORBIDDEN, NOT_FOUND.
       */
      updateImageVisibility: Mutation<UpdateImageVisibilityInput, GlanceImage>
      /**
       * Delete an image and its data for good.
       *
       * Errors of its own: CONFLICT, FORBIDDEN, NOT_FOUND.
       */
      deleteImage: Mutation<DeleteImageInput, boolean>
      /**
       * Let nobody boot or download an image any more; it keeps its data.
       *
       * Errors of its own: CONFLICT, FORBIDDEN, NOT_FOUND.
       */
      deactivateImage: Mutation<DeactivateImageInput, boolean>
      /**
       * Let a deactivated image be used again.
       *
       * Errors of its own: CONFLICT, FORBIDDEN, NOT_FOUND.
       */
      reactivateImage: Mutation<ReactivateImageInput, boolean>
      /**
       * Return the projects with which an image is shared.
       *
       * Errors of its own: FORBIDDEN, NOT_FOUND.
       */
      listImageMembers: Query<ListImageMembersInput, ImageMember[]>
      /**
       * Return one project with which an image is shared.
       *
       * Errors of its own: NOT_FOUND.
       */
      getImageMember: Query<GetImageMemberInput, ImageMember>
      /**
       * Share an image with a project, which has yet to accept it.
       *
       * Errors of its own: BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, PAYLOAD_TOO_LARGE.
       */
      createImageMember: Mutation<CreateImageMemberInput, ImageMember>
      /**
       * Accept or reject an image that is shared with the caller's project.
       *
       * Errors of its own: BAD_REQUEST, FORBIDDEN, NOT_FOUND.
       */
      updateImageMember: Mutation<UpdateImageMemberInput, ImageMember>
      /**
       * Stop sharing an image with a project.
       *
       * Errors of its own: FORBIDDEN, NOT_FOUND.
       */
      deleteImageMember: Mutation<DeleteImageMemberInput, boolean>
      /** Delete images and their data for good, each on its own. */
      deleteImages: Mutation<DeleteImagesInput, BulkOperationResult>
      /** Let deactivated images be used again, each on its own. */
      activateImages: Mutation<ActivateImagesInput, BulkOperationResult>
      /** Let nobody boot or download images any more, each on its own. */
      deactivateImages: Mutation<DeactivateImagesInput, BulkOperationResult>
      /**
       * Share images with projects, each with each; fine where that is so already.
       *
       * Several images with one project, or one image with several.
       */
      shareImages: Mutation<ShareImagesInput, ShareImagesResult>
      /** Add tags to images, each tag by itself; fine where an image has it already. */
      tagImages: Mutation<TagImagesInput, BulkChangeResult>
      /** Remove tags from images, each tag by itself; fine where an image does not have it. */
      untagImages: Mutation<UntagImagesInput, BulkChangeResult>
      /** Change the metadata of images by one JSON Patch: of each image, every operation or none. */
      updateImages: Mutation<UpdateImagesInput, BulkChangeResult>
      /**
       * Return how many images match; of 20,000 at most, and whether that were all.
       *
       * Errors of its own: BAD_REQUEST, CONFLICT.
       */
      countImages: Query<CountImagesInput, ImagesCount>
    }
  }
}

/** The kind of failure that an HTTP status stands for. */
export const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "BAD_REQUEST",
  404: "NOT_FOUND",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  405: "METHOD_NOT_SUPPORTED",
  408: "TIMEOUT",
  409: "CONFLICT",
  412: "PRECONDITION_FAILED",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  429: "TOO_MANY_REQUESTS",
  499: "CLIENT_CLOSED_REQUEST",
  500: "INTERNAL_SERVER_ERROR",
  502: "BAD_GATEWAY",
  503: "SERVICE_UNAVAILABLE",
  504: "GATEWAY_TIMEOUT",
}

/** Why a sign-in or a change of password was refused, for a program to go on. */
export type ErrorReason = "SECOND_FACTOR_REQUIRED" | "SIGN_IN_EXPIRED" | "PASSWORD_EXPIRED" | "PASSWORD_REFUSED"

/** The procedures whose answer in soft mode is `false`. */
export const ANSWERS_FALSE: readonly string[] = [
  "auth.changePassword",
  "auth.terminateUserSession",
  "compute.image.deleteImage",
  "compute.image.deactivateImage",
  "compute.image.reactivateImage",
  "compute.image.deleteImageMember",
]

/** The routes of the procedures that have one for their files, below the prefix. */
export const UPLOAD_ROUTES: Readonly<Record<string, string>> = {
  "compute.image.uploadImage": "upload-image",
}
