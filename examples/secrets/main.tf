# Prints secrets on purpose, in the forms in which they leak: as they are, JSON-escaped, URL-encoded, in base64.
# Terraform hides only the output of commands whose sensitive values it still knows to be sensitive; nonsensitive() takes that
# knowledge away. What you see in the log is what the agent masks by value.

terraform {
  required_version = ">= 1.4"
}

variable "password" {
  type        = string
  sensitive   = true
  description = "Quotes, spaces and umlauts make the spellings differ."
}

variable "token" {
  type        = string
  sensitive   = true
  description = "At least six characters: shorter ones cannot be masked."
}

variable "note" {
  type        = string
  sensitive   = true
  default     = ""
  description = "May have several lines."
}

variable "round" {
  type        = number
  default     = 1
  description = "Change it to print everything again."
}

locals {
  password = nonsensitive(var.password)
  token    = nonsensitive(var.token)
  note     = nonsensitive(var.note)
}

resource "terraform_data" "leak" {
  triggers_replace = var.round

  provisioner "local-exec" {
    # From the environment, so that no shell quoting comes between.
    command = <<-EOT
      printf 'plain: %s and %s\n' "$PASSWORD" "$TOKEN"
      printf 'json: %s\n' "$AS_JSON"
      printf 'url: https://example.com/?password=%s&token=%s\n' "$PASSWORD_URL" "$TOKEN_URL"
      printf 'base64: %s\n' "$PASSWORD_BASE64"
      printf 'base64 behind one byte: %s\n' "$SHIFTED_ONE"
      printf 'base64 behind two bytes: %s\n' "$SHIFTED_TWO"
      printf 'note:\n%s\n' "$NOTE"
      printf 'harmless: this line is not masked\n'
    EOT
    environment = {
      PASSWORD        = local.password
      TOKEN           = local.token
      AS_JSON         = jsonencode({ password = local.password, token = local.token })
      PASSWORD_URL    = urlencode(local.password)
      TOKEN_URL       = urlencode(local.token)
      PASSWORD_BASE64 = base64encode(local.password)
      SHIFTED_ONE     = base64encode("x${local.token}")
      SHIFTED_TWO     = base64encode("xy${local.token}")
      NOTE            = local.note
    }
  }
}
