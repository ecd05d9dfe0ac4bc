/** An error answer of the S3 API; its status follows from the code unless given. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = statuses[code] ?? 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

const statuses: Record<string, number> = {
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  SignatureDoesNotMatch: 403,
  RequestTimeTooSkewed: 403,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchCORSConfiguration: 404,
  ObjectLockConfigurationNotFoundError: 404,
  BucketAlreadyExists: 409,
  BucketNotEmpty: 409,
  PreconditionFailed: 412,
  InvalidRange: 416,
  NotImplemented: 501,
  SlowDown: 503,
}
