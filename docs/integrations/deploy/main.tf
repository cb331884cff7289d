# Terraform: the collecting function and what its driver may do. The secret has the keys client_id and client_secret.
variable "secret_name" { default = "garimpo/spotify" }

data "aws_secretsmanager_secret_version" "spotify" { secret_id = var.secret_name }

locals {
  spotify = jsondecode(data.aws_secretsmanager_secret_version.spotify.secret_string) # ends in the state: encrypt it
  zip     = "${path.module}/../../../build/garimpo-lambda.zip"
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "collect" {
  name               = "garimpo-collect"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.collect.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "dead_letters" {
  role = aws_iam_role.collect.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.dead_letters.arn }]
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "garimpo-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_function" "collect" {
  function_name                  = "garimpo-collect"
  role                           = aws_iam_role.collect.arn
  runtime                        = "python3.13"
  handler                        = "pipeline.integrations.aws_lambda.handler"
  filename                       = local.zip
  source_code_hash               = filebase64sha256(local.zip)
  memory_size                    = 256
  timeout                        = 660
  reserved_concurrent_executions = 32
  dead_letter_config { target_arn = aws_sqs_queue.dead_letters.arn }
  environment {
    variables = {
      SPOTIPY_CLIENT_ID     = local.spotify.client_id
      SPOTIPY_CLIENT_SECRET = local.spotify.client_secret
    }
  }
}

resource "aws_iam_policy" "driver" {
  name = "garimpo-driver"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = aws_lambda_function.collect.arn }]
  })
}
