#!/bin/sh
# sh deploy-gcf.sh PROJECT REGION: both functions of build/garimpo-gcf.zip; the secrets spotify-client-id and
# spotify-client-secret exist in Secret Manager. The driver's service account is garimpo-driver.
set -eu
project=$1 region=$2 source=$(mktemp -d)
python -m zipfile -e build/garimpo-gcf.zip "$source"
worker="garimpo-worker@$project.iam.gserviceaccount.com" driver="garimpo-driver@$project.iam.gserviceaccount.com"

for account in garimpo-worker garimpo-driver; do
    gcloud iam service-accounts describe "$account@$project.iam.gserviceaccount.com" --project "$project" >/dev/null 2>&1 ||
        gcloud iam service-accounts create "$account" --project "$project"
done
for secret in spotify-client-id spotify-client-secret; do
    gcloud secrets add-iam-policy-binding "$secret" --project "$project" \
        --member "serviceAccount:$worker" --role roles/secretmanager.secretAccessor
done
for function in collect orchestrate; do
    gcloud functions deploy "garimpo-$function" --gen2 --project "$project" --region "$region" --source "$source" \
        --runtime python313 --entry-point "$function" --trigger-http --no-allow-unauthenticated --timeout 660 --memory 256Mi \
        --max-instances 32 --service-account "$worker" \
        --set-secrets SPOTIPY_CLIENT_ID=spotify-client-id:latest,SPOTIPY_CLIENT_SECRET=spotify-client-secret:latest
done
# The driver calls collect; orchestrate, which runs as the worker, calls it too.
for caller in "$driver" "$worker"; do
    gcloud functions add-invoker-policy-binding garimpo-collect --project "$project" --region "$region" \
        --member "serviceAccount:$caller"
done
rm -r "$source"
