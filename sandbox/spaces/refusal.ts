const answers = {
  AccessDenied: [403, 'Access Denied'],
  AuthorizationQueryParametersError: [400, 'X-Amz-Expires must be between 1 and 604800 seconds (a week).'],
  BadDigest: [400, 'The Content-MD5 you specified did not match what was received.'],
  BucketAlreadyExists: [409, 'The requested bucket name is not available.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed size.'],
  IncompleteBody: [400, 'The framed body ends or breaks before its last chunk.'],
  InternalError: [500, 'We encountered an internal error.'],
  InvalidAccessKeyId: [403, 'The access key does not exist in our records.'],
  InvalidArgument: [400, 'A parameter is not in its range.'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidLocationConstraint: [400, 'The specified location-constraint is not valid.'],
  InvalidPart: [400, 'One or more of the specified parts could not be found.'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order.'],
  InvalidRange: [416, 'The requested range is not satisfiable.'],
  InvalidRequest: [400, 'Missing required header for this request: x-amz-content-sha256'],
  KeyTooLongError: [400, 'Your key is too long.'],
  MalformedXML: [400, 'The XML you provided was not well-formed.'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  NoSuchBucket: [404, 'The specified bucket does not exist.'],
  NoSuchCORSConfiguration: [404, 'The CORS configuration does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The lifecycle configuration does not exist.'],
  NoSuchUpload: [404, 'The specified multipart upload does not exist.'],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NotImplemented: [501, 'Only AWS Signature Version 4 is known here.'],
  ObjectLockConfigurationNotFoundError: [404, 'Object Lock configuration does not exist for this bucket.'],
  PreconditionFailed: [412, 'At least one of the preconditions you specified did not hold.'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the current time is too large.'],
  SignatureDoesNotMatch: [403, 'The signature does not match. Check your secret key and signing method.'],
  SlowDown: [503, 'Please reduce your request rate.'],
  XAmzContentSHA256Mismatch: [400, 'The body does not have the x-amz-content-sha256 stated.'],
} as const

/** An error answer of the S3 API, with the usual message of its code unless another is given. */
export class Refusal extends Error {
  readonly code: keyof typeof answers
  readonly status: number

  constructor(code: Refusal['code'], message: string = answers[code][1]) {
    super(message)
    this.code = code
    this.status = answers[code][0]
  }
}
